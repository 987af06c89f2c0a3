#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "base/units.h"
#include "comm/elastic_sum.h"
#include "comm/trace/trace.h"
#include "comm/watchdog.h"
#include "fusion/arena.h"
#include "fusion/reducer.h"
#include "model/bert.h"
#include "mpi/communicator.h"
#include "optim/loss_scaler.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

namespace hpml::train {

/// Computes the loss of this rank's micro-batch `index` (0, 1, ... of this rank's part), with its
/// graph. An elastic sum may have to begin anew, with index 0.
using Forward = std::function<model::LossSum(std::int64_t index)>;

struct StepResult {
    double loss = 0;  ///< mean over all ranks' weights
    double gradient_norm =
        0;              ///< of the mean gradient, before clipping; not finite if `overflowed`
    double weight = 0;  ///< masked tokens (or sequences) of the global batch
    /// The gradients did not fit fp16 under the loss scale, which has heard of it: the weights
    /// stay, and nothing is wrong.
    bool overflowed = false;

    /// The same on every rank; if not, something is wrong and there was no update.
    [[nodiscard]] bool is_finite() const {
        return std::isfinite(loss) && (overflowed || std::isfinite(gradient_norm));
    }
    [[nodiscard]] bool has_update() const { return is_finite() && !overflowed; }
};

/// @throw DivergedError on every rank if a step had no update
void require_finite(const StepResult& result);

/// What a step works on; everything outlives the runner.
struct StepParts {
    fusion::Arena& arena;
    fusion::Reducer& reducer;
    optim::Optimizer& optimizer;
    const mpi::Communicator& ranks;
    comm::Watchdog* watchdog = nullptr;        ///< sees that a rank hangs
    comm::Trace* trace = nullptr;              ///< shows where the time goes
    optim::LossScaler* scaler = nullptr;       ///< of fp16; null: the loss as it is
    comm::ElasticSum* elastic = nullptr;       ///< sums in place of the reducer
    std::function<void()> before_update = {};  ///< weights and optimizer state are about to change
    /// Of the optimizer: what each rank updates and the others receive; empty: each updates all
    std::span<const optim::Shard> shards = {};
};

/// One optimizer step: forward and backward over this rank's micro-batches, all-reduce overlapped
/// with the last backward pass, one small control all-reduce, mean over the global weight, clip,
/// update.
class StepRunner {
  public:
    StepRunner(StepParts parts, double clip_norm)
        : parts_(std::move(parts)), clip_norm_(clip_norm) {}

    /// Collective. Ranks may own different numbers of micro-batches, also none.
    /// @param votes  summed over all ranks with the control all-reduce (stop wishes and the like)
    /// @return a result that is not finite where loss or gradients are not: the update is left out
    StepResult run(std::int64_t micro_batches, const Forward& forward, const optim::Rates& rates,
                   std::span<double> votes);

  private:
    /// What losses are multiplied by before their gradients are taken.
    [[nodiscard]] double scale() const {
        return parts_.scaler != nullptr ? parts_.scaler->scale() : 1;
    }
    /// Of the summed gradients; NaN if any is not finite.
    [[nodiscard]] double gradient_norm(const std::optional<comm::Found>& found) const;

    /// Every rank's shard to all ranks.
    void gather_parameters() const;

    /// Of this rank's micro-batches; the gradients' sums over all ranks stand in the arena.
    struct Summed {
        double loss = 0;
        double weight = 0;
        std::optional<comm::Found> found;  ///< in the gradients' sums, where that was looked at
    };
    Summed sum_in_buckets(std::int64_t micro_batches, const Forward& forward);
    Summed sum_elastically(std::int64_t micro_batches, const Forward& forward);

    StepParts parts_;
    double clip_norm_;
};

}  // namespace hpml::train
