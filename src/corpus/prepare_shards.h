#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "corpus/prepare_piece.h"
#include "corpus/shard.h"
#include "text/special_tokens.h"

namespace hpml::corpus {

/// Which documents are the validation split: those whose draw lies below a threshold.
struct SplitRule {
    std::int64_t threshold = 0;

    /// @param fraction  of the documents; moved so that each split gets a document
    /// @throw InputError if all documents have one text
    [[nodiscard]] static SplitRule choose(double fraction, std::int64_t least_draw,
                                          std::int64_t greatest_draw);
    [[nodiscard]] bool is_validation(std::int64_t draw) const { return draw < threshold; }
};

/// Cut a document into rows [CLS] tokens [SEP] of at most `sequence_length` ids.
void for_each_row(std::span<const std::int32_t> ids, std::int64_t sequence_length,
                  const text::SpecialTokens& special,
                  const std::function<void(std::span<const std::int32_t>)>& use);
[[nodiscard]] std::int64_t row_count(std::int64_t ids, std::int64_t sequence_length);

/// What one piece gives to a split.
struct SplitCounts {
    std::int64_t documents = 0;
    std::int64_t rows = 0;
    std::int64_t tokens = 0;  ///< special tokens included
};
struct PieceCounts {
    SplitCounts train;
    SplitCounts validation;
};
/// Read a piece once. @param unigrams  [vocabulary] occurrences in the training split, added to
[[nodiscard]] PieceCounts count_piece(const std::filesystem::path& piece, const SplitRule& rule,
                                      std::int64_t sequence_length,
                                      std::span<std::int64_t> unigrams);
/// Of the occurrences, in nats; 0 if there is none. Special tokens do not count.
[[nodiscard]] double unigram_entropy(std::span<const std::int64_t> unigrams,
                                     const text::SpecialTokens& special);

/// The rows of one split: where they lie in the pieces, and the shards that they become.
struct ShardJob {
    std::filesystem::path output;
    std::string prefix;  ///< "train" gives train-00000.h5, ...
    bool validation = false;
    SplitRule rule;
    ShardFormat format;
    text::SpecialTokens special;
    std::int64_t most_rows_per_shard = 0;
    std::vector<std::filesystem::path> pieces;
    std::vector<std::int64_t> rows;       ///< [pieces] of this split
    std::vector<std::int64_t> documents;  ///< [pieces] of both splits
    std::int64_t first_shard = 0;         ///< of this rank
    std::int64_t last_shard = 0;          ///< exclusive
    Rank rank{0};                         ///< whose shards they are

    [[nodiscard]] std::int64_t total_rows() const;
    /// As few as the bound allows.
    [[nodiscard]] std::int64_t total_shards() const;
    /// Of shard `shard`, 0 to total_shards(): shards differ by one row at most.
    [[nodiscard]] std::int64_t first_row(std::int64_t shard) const;
    /// Set first_shard, last_shard and rank: neighbours, so that a rank reads its sources front to
    /// back once.
    void take_share(Rank rank, int ranks);
};
/// Write shards first_shard .. last_shard - 1, reading each piece that they need once; the first of
/// them may be there from an interrupted run. Local.
/// @throw OutputError, IoError
[[nodiscard]] std::vector<ShardEntry> write_shards(const ShardJob& job);

}  // namespace hpml::corpus
