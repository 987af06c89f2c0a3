#pragma once

#include <cstdint>

namespace hpml::checkpoint {

/// Which of `count` equal workers this one is. Work that lies in a row is cut at the same places by
/// all of them.
struct Share {
    std::int64_t index = 0;
    std::int64_t count = 1;

    /// Whether what begins at `position` of `total` is this worker's.
    [[nodiscard]] bool owns(std::uint64_t position, std::uint64_t total) const {
        return owner(position, total, count) == index;
    }
    /// Who owns what begins at `position` of `total`.
    [[nodiscard]] static std::int64_t owner(std::uint64_t position, std::uint64_t total,
                                            std::int64_t count) {
        return static_cast<std::int64_t>(static_cast<unsigned __int128>(position) *
                                         static_cast<unsigned __int128>(count) / total);
    }
};

}  // namespace hpml::checkpoint
