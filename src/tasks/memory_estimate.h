#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "model/config.h"
#include "tasks/pretrain.h"

namespace hpml::tasks {

/// What one rank of a pretraining will hold, by purpose; a count, not a measurement.
struct MemoryEstimate {
    std::vector<std::pair<std::string, Bytes>> parts;  ///< in the order in which a table shows them
    /// Beside the parts, while a checkpoint is written: what the disk has not taken when the
    /// weights change next is copied. Nothing where it takes a checkpoint within a step; this at
    /// most.
    Bytes most_while_saving;
    [[nodiscard]] Bytes total() const;
};

/// How long the rows of a corpus are, in tokens.
struct RowLengths {
    std::int64_t longest = 0;
    double mean = 0;
};

/// Of the training rows; `mean` is `longest` where the manifest does not count tokens.
[[nodiscard]] RowLengths row_lengths(const corpus::Manifest& manifest);

struct JobRanks {
    int all = 1;      ///< share the optimizer state, if it is sharded
    int of_node = 1;  ///< share what the libraries' files hold
};

/// @param options  resolved; any precision: there is no second copy of the weights
[[nodiscard]] MemoryEstimate estimate_memory(const PretrainOptions& options,
                                             const model::ModelConfig& config,
                                             const RowLengths& rows, JobRanks ranks);

/// What one checkpoint takes on disk.
[[nodiscard]] Bytes estimate_checkpoint(const PretrainOptions& options,
                                        const model::ModelConfig& config);

}  // namespace hpml::tasks
