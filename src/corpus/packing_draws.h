#pragma once

#include <cstdint>

#include "base/philox.h"
#include "corpus/packing.h"

namespace hpml::corpus {

/// Documents of a block, on average.
constexpr std::int64_t kBlockDocuments = 256;

[[nodiscard]] inline bool begins_drawn_block(const PieceDocument& document) {
    return document.draw % kBlockDocuments == 0;
}

/// The draws of one document: keyed by the seed and its text.
[[nodiscard]] inline PhiloxStream draws_of(const PieceDocument& document, std::uint64_t seed) {
    const auto draw = static_cast<std::uint64_t>(document.draw);
    return {philox_key(seed, RandomUse::Packing), static_cast<std::uint32_t>(draw),
            static_cast<std::uint32_t>(draw >> 32), 0};
}

/// How many tokens, without the special ones, the next row is to have.
/// @param room  the most
[[nodiscard]] inline std::int64_t draw_length(PhiloxStream& draws, double short_sequences,
                                              std::int64_t room) {
    if (short_sequences <= 0 || room <= 2 ||
        static_cast<double>(draws.uniform()) >= short_sequences) {
        return room;
    }
    return 2 + draws.below(static_cast<std::uint32_t>(room - 1));
}

}  // namespace hpml::corpus
