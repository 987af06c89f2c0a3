#include <fmt/format.h>

#include <algorithm>

#include "apps/hpml_bench_commands.h"
#include "base/error.h"
#include "model/config.h"
#include "mpi/environment.h"
#include "tasks/optimizer_bench.h"
#include "train/compute.h"

namespace hpml {

namespace {

double seconds_of(const std::vector<tasks::MemoryRate>& rates, const std::string& name) {
    const auto found = std::find_if(rates.begin(), rates.end(),
                                    [&](const auto& rate) { return rate.name == name; });
    expects(found != rates.end(), "a rate of that name");
    return found->median_seconds;
}

}  // namespace

Json bench_optimizer(const BenchOptions& options, const mpi::Communicator& ranks, const Log& log) {
    if (ranks.size() > 1) {
        throw UsageError(
            "hpml_bench optimizer measures one process (ranks would share the "
            "memory's bandwidth); start it without mpirun and set --threads");
    }
    const auto compute = train::choose_compute(
        {"cpu", options.threads, options.step.communication.progress, mpi::Environment::multiple()},
        ranks, log);
    const auto rates =
        tasks::measure_optimizers(model::named_model(options.model), options.step.steps);
    const double triad = std::max(rates[0].bytes_per_second, rates[1].bytes_per_second);
    Json list = Json::array();
    for (const auto& rate : rates) {
        const double share = rate.bytes_per_second / triad;
        log.info("{:<16} {:>3.0f} bytes each {:>9.2f} ms {:>7.2f} GB/s {:>6.1f} % of the triad",
                 rate.name, rate.bytes_each, rate.median_seconds * 1e3,
                 rate.bytes_per_second * 1e-9, share * 100);
        list.push_back({{"name", rate.name},
                        {"bytes_each", rate.bytes_each},
                        {"median_seconds", rate.median_seconds},
                        {"bytes_per_second", rate.bytes_per_second},
                        {"share_of_triad", share}});
    }
    const double ratio = seconds_of(rates, "lamb") / seconds_of(rates, "adamw");
    log.info("{} with {} threads: a step of lamb takes {:.3f} times one of adamw", options.model,
             compute.threads.threads, ratio);
    return {{"model", options.model},
            {"threads", compute.threads.threads},
            {"rates", list},
            {"lamb_to_adamw", ratio}};
}

}  // namespace hpml
