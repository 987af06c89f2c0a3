#include "tasks/overlap_bench.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/median.h"
#include "tasks/random_batch.h"
#include "train/replica.h"
#include "train/step.h"

namespace hpml::tasks {

namespace {

constexpr double kNoChange = 0;  ///< learning rate

class OverlapBench {
  public:
    OverlapBench(const StepBenchOptions& options, const train::ReplicaOptions& replica_options,
                 const mpi::Communicator& ranks, const Log& log)
        : options_(options),
          ranks_(ranks),
          replica_(replica_options, ranks, log),
          runner_({replica_.arena(), replica_.reducer(), replica_.optimizer(), ranks,
                   replica_options.watchdog},
                  1.0),
          batch_(random_batch(options, ranks.rank().value)) {}

    /// As slow as the slowest rank.
    double time(const std::function<void()>& work) const {
        ranks_.barrier();
        const Stopwatch watch;
        work();
        double seconds = watch.elapsed().value;
        ranks_.max(std::span(&seconds, 1));
        return seconds;
    }
    void step() {
        runner_.run(options_.accumulation, [this](std::int64_t) { return loss(); }, kNoChange, {});
    }
    /// What `step` does, without the other ranks: the reducer is not armed.
    void compute() {
        replica_.arena().zero_gradients();
        for (std::int64_t micro = 0; micro < options_.accumulation; ++micro) {
            loss().sum.backward();
        }
        optim::clip_by_global_norm(replica_.arena().gradients(), 1.0);
        replica_.optimizer().step(replica_.arena().parameters(), replica_.arena().gradients(),
                                  kNoChange);
    }
    void all_reduce() {
        replica_.reducer().arm();
        replica_.reducer().finish();
    }

  private:
    [[nodiscard]] model::LossSum loss() {
        return replica_.bert().mlm_loss(batch_, {options_.dropout, 1, 0});
    }

    const StepBenchOptions& options_;
    const mpi::Communicator& ranks_;
    train::Replica replica_;
    train::StepRunner runner_;
    corpus::Batch batch_;
};

}  // namespace

OverlapRates measure_overlap(const StepBenchOptions& options, const mpi::Communicator& ranks,
                             const train::Accelerator& accelerator, comm::Progress progress,
                             const Log& log) {
    train::ReplicaOptions replica_options;
    replica_options.model = options.model;
    replica_options.optimizer.name = options.optimizer;
    replica_options.communication = options.communication;
    replica_options.progress = progress;
    replica_options.accelerator = accelerator;
    OverlapBench bench(options, replica_options, ranks, log);

    std::vector<double> steps;
    std::vector<double> computations;
    std::vector<double> all_reduces;
    std::vector<double> ratios;
    for (int turn = 0; turn < options.warmup_steps + options.steps; ++turn) {
        const double step = bench.time([&] { bench.step(); });
        const double computation = bench.time([&] { bench.compute(); });
        const double all_reduce = bench.time([&] { bench.all_reduce(); });
        if (turn >= options.warmup_steps) {
            steps.push_back(step);
            computations.push_back(computation);
            all_reduces.push_back(all_reduce);
            ratios.push_back(step / std::max(computation, all_reduce));
        }
    }
    return {median_of(steps), median_of(computations), median_of(all_reduces), median_of(ratios)};
}

}  // namespace hpml::tasks
