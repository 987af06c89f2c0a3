#pragma once

#include "tasks/step_bench.h"

namespace hpml::tasks {

/// A training step beside its two parts alone. With perfect overlap the step takes as long as the
/// longer one.
struct OverlapRates {
    double step_seconds = 0;
    double compute_seconds = 0;     ///< forward, backward, update; nothing is communicated
    double all_reduce_seconds = 0;  ///< of all buckets, while nothing is computed
    /// step / max(compute, all-reduce), the median over turns.
    double ratio = 0;
};

/// Time whole steps, their computation and their all-reduce in turns, each as slow as its slowest
/// rank; the weights stay as they are (learning rate 0), so that all turns do the same work.
/// Collective.
[[nodiscard]] OverlapRates measure_overlap(const StepBenchOptions& options,
                                           const mpi::Communicator& ranks,
                                           const train::Accelerator& accelerator,
                                           comm::Progress progress, const Log& log);

}  // namespace hpml::tasks
