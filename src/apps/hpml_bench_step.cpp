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
    const auto rates =
        tasks::measure_steps(step, ranks, compute.accelerator, compute.progress, log);
    log.info(
        "{} on {}: {} ranks x {} threads, {} x {} sequences of {} tokens: {:.1f} ms a step, {:.0f} "
        "tokens/s, "
        "{:.1f} % exposed communication, loss {:.4f}",
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
            {"loss", rates.last_loss}};
}

}  // namespace hpml
