#pragma once

#include <string>
#include <vector>

#include "model/config.h"

namespace hpml::tasks {

/// What one way of going through memory reached.
struct MemoryRate {
    std::string name;           ///< "triad", "streaming triad", or an optimizer's
    double bytes_each = 0;      ///< counted per element or parameter and step
    double median_seconds = 0;  ///< of a step
    double bytes_per_second = 0;
};

/// Time STREAM's triad, with ordinary stores and past the caches, and the steps of the optimizers
/// over a model's parameters, in turn, on LibTorch's threads. Bytes are counted as each pass over
/// memory reads and writes them: Adam and AdamW 28 a parameter, Adafactor 24, LAMB 40, SGD with
/// momentum 20.
/// @param rounds  how often all of it is done; the first does not count
/// @return the triads first
[[nodiscard]] std::vector<MemoryRate> measure_optimizers(const model::ModelConfig& config,
                                                         int rounds);

}  // namespace hpml::tasks
