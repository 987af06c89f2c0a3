#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hpml::text {

/// A word as the pieces it begins with, and how often it occurs.
struct TrainingWord {
    std::vector<std::int32_t> pieces;
    std::int64_t count = 0;
};

struct PairLimits {
    std::int64_t tokens = 0;        ///< stop when there are so many
    std::int64_t least_count = 2;   ///< stop when no pair is as frequent
    std::string continuation = "";  ///< what begins a piece inside a word, e.g. "##"
};

/// Byte-pair encoding (Sennrich et al. 2016): join the most frequent pair of neighbouring pieces
/// until there are enough tokens. Of equally frequent pairs the one with the lower ids comes first.
/// Counts are kept up to date, not counted anew: a merge costs the words that hold its pair.
/// @param tokens  those that there are, by id; the new ones are appended
/// @return the merges by rank, as ids
[[nodiscard]] std::vector<std::pair<std::int32_t, std::int32_t>> train_pairs(
    std::vector<TrainingWord> words, std::vector<std::string>& tokens, const PairLimits& limits);

}  // namespace hpml::text
