#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/log.h"
#include "base/units.h"
#include "mpi/communicator.h"

namespace hpml::corpus {

/// Whose file names: train_shard_K.hdf5 and test_shard_K.hdf5, or NAME_training_K.hdf5 and
/// NAME_test_K.hdf5.
enum class MaskedLayout { AcademicBudget, Nvidia };

/// How shards become the predecessors' files.
struct ExportOptions {
    std::filesystem::path input;   ///< data folder
    std::filesystem::path output;  ///< folder
    MaskedLayout layout = MaskedLayout::AcademicBudget;
    std::string name = "corpus";  ///< NAME of NVIDIA's files, [A-Za-z0-9.-]+
    std::int64_t copies = 10;     ///< of each training row, each masked anew
    std::int64_t max_predictions = 20;
    double masking_rate = 0.15;
    bool whole_words = false;
    std::uint64_t seed = 42;
    /// Write next_sentence_labels of 0: the rows hold no pairs, but NVIDIA's loader asks for them.
    bool next_sentence_zeros = false;
};

struct ExportSummary {
    bool was_complete = false;  ///< all was there already
    std::int64_t files = 0;
    std::int64_t reused = 0;  ///< of them, written by an earlier, interrupted run
    std::int64_t rows = 0;    ///< in all files
    Bytes size;
    Seconds elapsed;
};

/// Shards to the predecessors' files, masked once and for all: each shard of the training split
/// becomes `copies` files, so that no file holds a row twice, and each of the validation split one.
/// File copy * shards + shard holds the rows in the shard's order, masked by `Masker` under (seed,
/// copy, row of the split): as epoch `copy` of a run of hpml_pretrain with this seed masks them.
/// The same bytes for every number of ranks. Collective.
///
/// A rank holds one file, packed, in memory. Each is published whole; an interrupted conversion
/// goes on from the finished ones, whose hashes it has noted. convert.json is written last.
/// @throw as prepare
[[nodiscard]] ExportSummary export_masked(const ExportOptions& options,
                                          const mpi::Communicator& ranks, const Log& log);

}  // namespace hpml::corpus
