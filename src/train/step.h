#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "base/units.h"
#include "comm/trace/trace.h"
#include "comm/watchdog.h"
#include "fusion/arena.h"
#include "fusion/reducer.h"
#include "model/bert.h"
#include "mpi/communicator.h"
#include "optim/optimizer.h"

namespace hpml::train {

/// Computes the loss of this rank's micro-batch `index` (0, 1, ... of this rank's part), with its
/// graph.
using Forward = std::function<model::LossSum(std::int64_t index)>;

struct StepResult {
    double loss = 0;           ///< mean over all ranks' weights
    double gradient_norm = 0;  ///< of the mean gradient, before clipping
    double weight = 0;         ///< masked tokens (or sequences) of the global batch
};

/// What a step works on; everything outlives the runner.
struct StepParts {
    fusion::Arena& arena;
    fusion::Reducer& reducer;
    optim::Optimizer& optimizer;
    const mpi::Communicator& ranks;
    comm::Watchdog* watchdog = nullptr;  ///< sees that a rank hangs
    comm::Trace* trace = nullptr;        ///< shows where the time goes
};

/// One optimizer step: forward and backward over this rank's micro-batches, all-reduce overlapped
/// with the last backward pass, one small control all-reduce, mean over the global weight, clip,
/// update.
class StepRunner {
  public:
    StepRunner(StepParts parts, double clip_norm) : parts_(parts), clip_norm_(clip_norm) {}

    /// Collective. Ranks may own different numbers of micro-batches, also none.
    /// @param votes  summed over all ranks with the control all-reduce (stop wishes and the like)
    /// @throw DivergedError on every rank, before the update, if loss or gradients are not finite
    StepResult run(std::int64_t micro_batches, const Forward& forward, double learning_rate,
                   std::span<double> votes);

  private:
    /// Make the mean of the summed gradients and clip it. @return its norm before clipping
    double finish_gradients(const std::optional<comm::Found>& found, double weight);

    StepParts parts_;
    double clip_norm_;
};

}  // namespace hpml::train
