#include "tasks/step_bench.h"

#include <ATen/core/grad_mode.h>

#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/median.h"
#include "model/gemm_rate.h"
#include "tasks/bench_batches.h"
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
    replica_options.computation = options.computation;
    replica_options.optimizer.name = options.optimizer;
    replica_options.communication = options.communication;
    replica_options.progress = progress;
    replica_options.accelerator = accelerator;
    replica_options.watchdog = &watched.watchdog();
    train::Replica replica(replica_options, ranks, log);
    train::StepRunner runner({replica.arena(), replica.reducer(), replica.optimizer(), ranks,
                              &watched.watchdog(), replica.trace(), replica.loss_scaler()},
                             1.0);
    if (!options.exchange.empty()) {
        write_exchange(options, replica, ranks);
    }

    StepRates rates;
    ranks.barrier();
    rates.product_rate = accelerator.cuda
                             ? 0
                             : model::measure_gemm_rate(replica.arena().parameters().options(),
                                                        model::Precision::Float32);
    BenchBatches source(options, ranks.rank().value, ranks.size());
    std::vector<double> seconds;
    double exposed = 0;
    double work[] = {0, 0};  // tokens and flops of the timed steps
    for (int step = 0; step < options.warmup_steps + options.steps; ++step) {
        std::vector<corpus::Batch> batches;
        for (std::int64_t micro = 0; micro < options.accumulation; ++micro) {
            batches.push_back(source.make(step, micro));
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
        rates.losses.push_back(rates.last_loss);
        if (step >= options.warmup_steps) {
            seconds.push_back(elapsed);
            for (const corpus::Batch& batch : batches) {
                work[0] += static_cast<double>(batch.token_count());
                work[1] += training_flops(options.model, batch);
            }
            exposed += (replica.engine().exposed() - exposed_before).value;
        }
    }
    replica.finish_trace(log);
    double all = 0;
    for (const double second : seconds) {
        all += second;
    }
    rates.median_seconds = median_of(seconds);
    ranks.sum(work);
    // Rows of a corpus make steps of different length: all of them count.
    const double step_seconds =
        options.rows.empty() ? rates.median_seconds : all / static_cast<double>(options.steps);
    rates.tokens_per_second = work[0] / options.steps / step_seconds;
    rates.flop_rate = work[1] / options.steps / step_seconds / ranks.size();
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
