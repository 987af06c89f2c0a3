#pragma once

#include <cstdint>
#include <filesystem>

#include "base/log.h"
#include "base/units.h"
#include "mpi/communicator.h"
#include "text/tokenizer.h"

namespace hpml::corpus {

/// What becomes of a row that equals an earlier one.
enum class Duplicates { Drop, Keep };

/// Which files of masked rows become shards, and how.
struct ImportOptions {
    std::filesystem::path input;       ///< folder, looked through with all its folders
    std::filesystem::path output;      ///< data folder
    std::filesystem::path vocabulary;  ///< tokenizer of the rows; empty: in INPUT
    text::CaseChoice letter_case = text::CaseChoice::Auto;  ///< noted in the manifest
    std::int64_t sequences_per_shard = 65536;
    Duplicates duplicates = Duplicates::Drop;
};

struct ImportSummary {
    bool was_complete = false;  ///< all was there already; only rows, tokens and shards are set
    std::int64_t files = 0;
    std::int64_t stored_rows = 0;          ///< in the files
    std::int64_t duplicate_rows = 0;       ///< left out
    std::int64_t pair_rows = 0;            ///< of the stored ones, with two segments
    std::int64_t next_sentence_files = 0;  ///< with such labels
    /// Segments and labels are kept: all files have labels. Otherwise a row is one sequence now.
    bool has_pairs = false;
    std::int64_t rows = 0;
    std::int64_t validation_rows = 0;
    std::int64_t tokens = 0;  ///< special tokens included
    std::int64_t shards = 0;
    Seconds elapsed;
};

/// The predecessors' files to shards: masks are undone, copies of a row that their duplication
/// factor made are found by hash and left out but for the first, a row of the test files before one
/// of the training files. Test files become the validation split. The bytes of the output depend on
/// the files and the options only, not on the number of ranks. Collective.
///
/// Memory: a bit for each row, the hashes of one file (24 bytes a row), a partition of them (2^20
/// rows on average) and one shard. An interrupted conversion goes on from the files whose rows are
/// hashed. manifest.json is written last.
/// @throw as prepare; InputError also for a row that does not fit the vocabulary or files of
/// several sequence lengths
[[nodiscard]] ImportSummary import_masked(const ImportOptions& options,
                                          const mpi::Communicator& ranks, const Log& log);

}  // namespace hpml::corpus
