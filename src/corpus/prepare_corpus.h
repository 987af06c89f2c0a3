#pragma once

#include <cstdint>
#include <filesystem>

#include "corpus/manifest.h"
#include "corpus/prepare_shards.h"
#include "mpi/communicator.h"

namespace hpml::corpus {

/// A corpus of one sequence length, to be made of pieces.
struct CorpusTask {
    const DocumentPieces& pieces;
    SplitRule rule;
    std::filesystem::path folder;
    PackingOptions packing;
    RowForm form;
    ShardFormat format;
    std::int64_t most_rows_per_shard = 0;
};

/// Pack the pieces into the shards of both splits: once to count rows, so that shards are equal and
/// each rank knows its own, and once to write them. Collective.
/// @return the manifest, without what PrepareOutput::publish completes
/// @throw OutputError, IoError, the same on every rank
[[nodiscard]] Manifest write_corpus(const CorpusTask& task, const mpi::Communicator& ranks);

}  // namespace hpml::corpus
