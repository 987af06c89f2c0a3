#include "apps/hpml_bench_commands.h"
#include "comm/trace/trace.h"
#include "mpi/environment.h"
#include "tasks/step_bench.h"
#include "train/compute.h"

namespace hpml {

Json bench_step(const BenchOptions& options, const mpi::Communicator& ranks, const Log& log) {
    const auto compute =
        train::choose_compute({options.device, options.threads, options.step.communication.progress,
                               mpi::Environment::multiple()},
                              ranks, log);
    auto step = options.step;
    if (const auto& trace = step.communication.trace; !trace.empty()) {
        mpi::agree(ranks, [&] { comm::require_trace_folder(trace); });
    }
    step.model = model::named_model(options.model);
    step.computation.precision =
        model::choose_precision(options.precision, compute.accelerator.cuda != nullptr);
    step.rows = options.rows;
    step.exchange = options.exchange;
    const auto rates =
        tasks::measure_steps(step, ranks, compute.accelerator, compute.progress, log);
    const double mfu = rates.product_rate > 0 ? rates.flop_rate / rates.product_rate : 0;
    log.info(
        "{}; {:.1f} GFLOP/s a rank over whole steps, {:.1f} % of its fastest fp32 product, "
        "{:.1f} GFLOP/s",
        model::describe(step.computation.precision, compute.accelerator.cuda != nullptr),
        rates.flop_rate * 1e-9, mfu * 100, rates.product_rate * 1e-9);
    log.info(
        "{} on {}: {} ranks x {} threads, {} x {} sequences of {} tokens: {:.1f} ms a step, {:.0f} "
        "tokens/s, {:.1f} % exposed communication, loss {:.4f}",
        options.model, compute.accelerator.description, ranks.size(), compute.threads.threads,
        step.accumulation, step.micro_batch, step.sequence_length, rates.median_seconds * 1e3,
        rates.tokens_per_second, rates.exposed_share * 100, rates.last_loss);
    return {{"model", options.model},
            {"ranks", ranks.size()},
            {"threads", compute.threads.threads},
            {"micro_batch", step.micro_batch},
            {"accumulation", step.accumulation},
            {"sequence_length", step.sequence_length},
            {"optimizer", step.optimizer},
            {"median_seconds", rates.median_seconds},
            {"tokens_per_second", rates.tokens_per_second},
            {"exposed_share", rates.exposed_share},
            {"precision", model::to_text(step.computation.precision)},
            {"product_rate", rates.product_rate},
            {"flop_rate", rates.flop_rate},
            {"losses", rates.losses},
            {"loss", rates.last_loss}};
}

}  // namespace hpml
