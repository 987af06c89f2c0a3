#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "corpus/block_reader.h"
#include "corpus/packing.h"
#include "corpus/shard_job.h"

namespace hpml::corpus {

/// How the documents of a split become rows.
struct SplitTask {
    const DocumentPieces& pieces;
    SplitChoice split;
    PackingOptions packing;
    RowForm form;
};

/// What one piece gives to a split.
struct SplitCounts {
    std::int64_t documents = 0;
    std::int64_t rows = 0;
};
/// Pack the blocks that begin in a piece, only to count. Local.
/// @param unigrams  [vocabulary] occurrences of tokens, added to; empty: not counted
[[nodiscard]] SplitCounts count_rows(const SplitTask& task, std::size_t piece,
                                     std::span<std::int64_t> unigrams);

/// Write the job's shards first_shard .. last_shard - 1, whose sources are the task's pieces,
/// reading each piece that they need once; the first of them may be there from an interrupted run.
/// Local. @throw OutputError, IoError
[[nodiscard]] std::vector<ShardEntry> write_shards(const ShardJob& job, const SplitTask& task);

}  // namespace hpml::corpus
