#include "apps/hpml_bench_commands.h"
#include "comm/engine_bench.h"
#include "mpi/environment.h"
#include "tasks/step_bench.h"
#include "train/compute.h"

namespace hpml {

Json bench_engine(const BenchOptions& options, const mpi::Communicator& ranks, const Log& log) {
    comm::EngineBenchOptions bench;
    bench.all_reduce = options.step.communication.all_reduce;
    if (options.step.communication.bucket.value > 0) {
        bench.bucket = options.step.communication.bucket;
    }
    const auto report = comm::run_engine_bench(ranks, bench);
    log.info("{}", comm::to_text(report));
    Json result = comm::to_json(report);
    if (ranks.size() == 1) {
        const auto compute = train::choose_compute(
            {options.device, options.threads, options.step.communication.progress,
             mpi::Environment::multiple()},
            ranks, log);
        auto step = options.step;
        step.model = model::named_model(options.model);
        const double ratio = tasks::measure_engine_cost(step, ranks, compute.accelerator, log);
        log.info("a step with the engine takes {:.4f} times one without, median of {}", ratio,
                 step.steps);
        result["step_ratio"] = ratio;
    }
    return result;
}

}  // namespace hpml
