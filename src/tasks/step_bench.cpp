#include "tasks/step_bench.h"

#include <ATen/core/grad_mode.h>

#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/median.h"
#include "tasks/random_batch.h"
#include "train/replica.h"
#include "train/step.h"
#include "train/watched_ranks.h"

namespace hpml::tasks {

namespace {

/// A model and an optimizer with nothing between them.
class BareReplica {
  public:
    BareReplica(const train::ReplicaOptions& options, const fusion::Plan& plan)
        : memory_(options.accelerator.device),
          arena_(model::leaf_specs(options.model, options.head), plan, memory_),
          bert_(options.model, options.head, arena_.leaves()),
          optimizer_(optim::make_optimizer(options.optimizer, train::segments_of(arena_),
                                           arena_.parameters())) {
        const at::NoGradGuard no_grad;
        for (std::size_t i = 0; i < arena_.specs().size(); ++i) {
            model::initialize_leaf(arena_.specs()[i], options.model, options.seed,
                                   arena_.leaves()[i].detach());
        }
    }

    void take_step(const corpus::Batch& batch, const model::DropoutPlan& dropout) {
        arena_.zero_gradients();
        const model::LossSum loss = bert_.mlm_loss(batch, dropout);
        loss.sum.backward();
        const at::NoGradGuard no_grad;
        (void)loss.sum.detach().item<double>();
        arena_.gradients().mul_(1.0 / static_cast<double>(loss.weight));
        (void)optim::clip_by_global_norm(arena_.gradients(), 1.0);
        optimizer_->step(arena_.parameters(), arena_.gradients(), 1e-4);
    }

  private:
    fusion::DeviceMemory memory_;
    fusion::Arena arena_;
    model::Bert bert_;
    std::unique_ptr<optim::Optimizer> optimizer_;
};

}  // namespace

StepRates measure_steps(const StepBenchOptions& options, const mpi::Communicator& world,
                        const train::Accelerator& accelerator, comm::Progress progress,
                        const Log& log) {
    train::WatchedRanks watched({}, world, log);
    const mpi::Communicator& ranks = watched.ranks();
    train::ReplicaOptions replica_options;
    replica_options.model = options.model;
    replica_options.optimizer.name = options.optimizer;
    replica_options.communication = options.communication;
    replica_options.progress = progress;
    replica_options.accelerator = accelerator;
    replica_options.watchdog = &watched.watchdog();
    train::Replica replica(replica_options, ranks, log);
    train::StepRunner runner({replica.arena(), replica.reducer(), replica.optimizer(), ranks,
                              &watched.watchdog(), replica.trace()},
                             1.0);

    StepRates rates;
    std::vector<double> seconds;
    double exposed = 0;
    for (int step = 0; step < options.warmup_steps + options.steps; ++step) {
        std::vector<corpus::Batch> batches;
        for (std::int64_t micro = 0; micro < options.accumulation; ++micro) {
            batches.push_back(random_batch(
                options,
                (step * ranks.size() + ranks.rank().value) * options.accumulation + micro));
        }
        ranks.barrier();
        replica.begin_step(Step(step));
        const Stopwatch watch;
        const Seconds exposed_before = replica.engine().exposed();
        rates.last_loss =
            runner
                .run(options.accumulation,
                     [&](std::int64_t micro) {
                         return replica.bert().mlm_loss(batches[static_cast<std::size_t>(micro)],
                                                        {options.dropout, 1, step});
                     },
                     1e-4, {})
                .loss;
        double elapsed = watch.elapsed().value;
        ranks.max(std::span(&elapsed, 1));
        if (step >= options.warmup_steps) {
            seconds.push_back(elapsed);
            exposed += (replica.engine().exposed() - exposed_before).value;
        }
    }
    replica.finish_trace(log);
    double all = 0;
    for (const double second : seconds) {
        all += second;
    }
    rates.median_seconds = median_of(seconds);
    rates.tokens_per_second = static_cast<double>(options.micro_batch * options.accumulation *
                                                  options.sequence_length * ranks.size()) /
                              rates.median_seconds;
    rates.exposed_share = exposed / all;
    return rates;
}

double measure_engine_cost(const StepBenchOptions& options, const mpi::Communicator& ranks,
                           const train::Accelerator& accelerator, const Log& log) {
    expects(ranks.size() == 1, "one rank: with more, a step without an engine is another step");
    train::ReplicaOptions replica_options;
    replica_options.model = options.model;
    replica_options.optimizer.name = options.optimizer;
    replica_options.communication = options.communication;
    replica_options.accelerator = accelerator;
    train::WatchedRanks watched({}, ranks, log);
    replica_options.watchdog = &watched.watchdog();
    train::Replica replica(replica_options, ranks, log);
    train::StepRunner runner({replica.arena(), replica.reducer(), replica.optimizer(), ranks,
                              &watched.watchdog(), replica.trace()},
                             1.0);
    BareReplica bare(replica_options, replica.arena().plan());
    const corpus::Batch batch = random_batch(options, 0);
    std::vector<double> ratios;
    for (int step = 0; step < options.warmup_steps + options.steps; ++step) {
        const model::DropoutPlan dropout{options.dropout, 1, step};
        const auto with = [&] {
            const Stopwatch watch;
            (void)runner.run(
                1, [&](std::int64_t) { return replica.bert().mlm_loss(batch, dropout); }, 1e-4, {});
            return watch.elapsed().value;
        };
        const auto without = [&] {
            const Stopwatch watch;
            bare.take_step(batch, dropout);
            return watch.elapsed().value;
        };
        // In turn first and second, so that neither always finds the other's cache.
        double ours = 0;
        double theirs = 0;
        if (step % 2 == 0) {
            ours = with();
            theirs = without();
        } else {
            theirs = without();
            ours = with();
        }
        if (step >= options.warmup_steps) {
            ratios.push_back(ours / theirs);
        }
    }
    return median_of(std::move(ratios));
}

}  // namespace hpml::tasks
