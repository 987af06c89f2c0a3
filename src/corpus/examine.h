#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "corpus/loader.h"
#include "corpus/manifest.h"
#include "text/tokenizer.h"

namespace hpml::corpus {

constexpr std::size_t kLengthBins = 8;

/// What the rows of a split are like.
struct SplitStatistics {
    std::int64_t shards = 0;
    std::int64_t rows = 0;
    std::int64_t tokens = 0;        ///< special ones included
    std::int64_t unknown = 0;       ///< [UNK] among them
    std::uint64_t bytes = 0;        ///< on the disk
    std::int64_t random_pairs = 0;  ///< rows whose second part is of another document
    std::int64_t shortest = 0;      ///< row, in tokens
    std::int64_t longest = 0;
    /// Rows of lengths up to sequence_length * (bin + 1) / kLengthBins, and above the bin before.
    std::array<std::int64_t, kLengthBins> lengths{};
};

/// Read all of a split: every shard's hash and schema, every row's ids.
/// @throw MissingInputError, InputError naming the shard and what is wrong with it; IoError
[[nodiscard]] SplitStatistics examine_split(const std::filesystem::path& data,
                                            const Manifest& manifest, Split split,
                                            const text::SpecialTokens& special);

/// A row as people read it, `position` being its place in the endless order of the seed: words are
/// joined; "[MASK:word]" is predicted from [MASK], "[other:word]" from a random token, "[=word]"
/// from itself. A row of a corpus of pairs says first whether its second part follows.
[[nodiscard]] std::string show_sample(const std::filesystem::path& data, const Manifest& manifest,
                                      const text::Tokenizer& tokenizer, std::int64_t position,
                                      std::uint64_t seed);

}  // namespace hpml::corpus
