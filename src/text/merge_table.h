#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace hpml::text {

/// What two neighbouring tokens become.
struct Merge {
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

    std::uint32_t rank = kNone;  ///< the lowest of a word is done first
    std::int32_t id = -1;
};

/// The merges of a byte-pair encoding by their two tokens: open addressing, never changed after it
/// is built.
class MergeTable {
  public:
    /// @param merges  that will be added
    explicit MergeTable(std::size_t merges);

    /// @return false if the pair is there already, which then stays
    [[nodiscard]] bool add(std::int32_t left, std::int32_t right, Merge merge);
    /// The merge of a pair; its rank is Merge::kNone if there is none.
    [[nodiscard]] Merge find(std::int32_t left, std::int32_t right) const {
        const std::uint64_t pair = pair_of(left, right);
        for (std::uint64_t at = pair * kMix >> shift_;; ++at) {
            const Slot& slot = slots_[at & mask_];
            if (slot.pair == pair) {
                return slot.merge;
            }
            if (slot.merge.id < 0) {
                return {};
            }
        }
    }

  private:
    struct Slot {
        std::uint64_t pair = 0;
        Merge merge;
    };
    static constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15u;

    [[nodiscard]] static std::uint64_t pair_of(std::int32_t left, std::int32_t right) {
        return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 |
               static_cast<std::uint32_t>(right);
    }

    std::vector<Slot> slots_;
    int shift_ = 0;
    std::uint64_t mask_ = 0;
};

}  // namespace hpml::text
