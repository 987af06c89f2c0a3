#include "apps/hpml_bench_commands.h"
#include "mpi/environment.h"
#include "tasks/overlap_bench.h"
#include "train/compute.h"

namespace hpml {

Json bench_overlap(const BenchOptions& options, const mpi::Communicator& ranks, const Log& log) {
    const auto compute =
        train::choose_compute({options.device, options.threads, options.step.communication.progress,
                               mpi::Environment::multiple()},
                              ranks, log);
    auto step = options.step;
    step.model = model::named_model(options.model);
    const auto rates =
        tasks::measure_overlap(step, ranks, compute.accelerator, compute.progress, log);
    log.info("communication: {}", compute.communication);
    log.info(
        "{}: a step {:.1f} ms, its computation alone {:.1f} ms, its all-reduce alone {:.1f} ms; "
        "the step takes {:.3f} times the longer one, median of {} turns",
        options.model, rates.step_seconds * 1e3, rates.compute_seconds * 1e3,
        rates.all_reduce_seconds * 1e3, rates.ratio, step.steps);
    return {{"model", options.model},
            {"ranks", ranks.size()},
            {"micro_batch", step.micro_batch},
            {"accumulation", step.accumulation},
            {"communication", compute.communication},
            {"step_seconds", rates.step_seconds},
            {"compute_seconds", rates.compute_seconds},
            {"all_reduce_seconds", rates.all_reduce_seconds},
            {"ratio", rates.ratio}};
}

}  // namespace hpml
