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
    [[nodiscard]] Bytes total() const;
};

/// @param options  resolved; fp32
/// @param row_tokens  of the longest rows
/// @param ranks  that share the optimizer state if it is sharded
[[nodiscard]] MemoryEstimate estimate_memory(const PretrainOptions& options,
                                             const model::ModelConfig& config,
                                             std::int64_t row_tokens, int ranks);

/// What one checkpoint takes on disk.
[[nodiscard]] Bytes estimate_checkpoint(const PretrainOptions& options,
                                        const model::ModelConfig& config);

}  // namespace hpml::tasks
