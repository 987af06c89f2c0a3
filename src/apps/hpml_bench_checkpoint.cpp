#include <algorithm>

#include "apps/hpml_bench_commands.h"
#include "base/megabytes.h"
#include "mpi/environment.h"
#include "tasks/checkpoint_bench.h"
#include "train/compute.h"

namespace hpml {

namespace {

double rate(Bytes bytes, Seconds seconds) {
    return static_cast<double>(bytes.value) / std::max(seconds.value, 1e-9);
}

Json rounds_of(const tasks::CheckpointRates& rates) {
    Json rounds = Json::array();
    for (const tasks::SaveTimes& round : rates.rounds) {
        rounds.push_back({{"stopped_seconds", round.stopped.value},
                          {"beside_seconds", round.beside.value},
                          {"alone_seconds", round.alone.value},
                          {"block_with_save_seconds", round.block.value},
                          {"block_seconds", round.free_block.value},
                          {"save_is_within_block", round.is_within}});
    }
    return rounds;
}

}  // namespace

Json bench_checkpoint(const BenchOptions& options, const mpi::Communicator& ranks, const Log& log) {
    const auto compute =
        train::choose_compute({options.device, options.threads, options.step.communication.progress,
                               mpi::Environment::multiple()},
                              ranks, log);
    tasks::CheckpointBenchOptions bench{options.step, options.model, options.folder, options.rounds,
                                        options.only_beside};
    bench.step.model = model::named_model(options.model);
    bench.step.computation.precision =
        model::choose_precision(options.precision, compute.accelerator.cuda != nullptr);
    bench.step.rows = options.rows;
    const auto rates =
        tasks::measure_checkpoints(bench, ranks, compute.accelerator, compute.progress, log);
    log.info(
        "{} on {}: {} ranks x {} threads; a checkpoint of {:.1f} MB beside the steps in {:.2f} "
        "s, {:.0f} MB/s; the loop stood still for {:.3f} s",
        options.model, compute.accelerator.description, ranks.size(), compute.threads.threads,
        megabytes(rates.bytes), rates.beside.value, rate(rates.bytes, rates.beside) * 1e-6,
        rates.stopped.value);
    Json result{{"model", options.model},
                {"threads", compute.threads.threads},
                {"micro_batch", bench.step.micro_batch},
                {"accumulation", bench.step.accumulation},
                {"block_steps", bench.step.steps},
                {"bytes", rates.bytes.value},
                {"stopped_seconds", rates.stopped.value},
                {"beside_seconds", rates.beside.value},
                {"rounds", rounds_of(rates)}};
    if (options.only_beside) {
        return result;
    }
    // A save costs what it costs once, however many steps there are.
    const auto share = [&](double steps) {
        return steps * rates.step.value / (steps * rates.step.value + rates.lost.value);
    };
    const double steps = bench.step.steps;
    log.info(
        "a step takes {:.3f} s; {} steps with one save ran at {:.2f} % of the rate without "
        "({:+.3f} s), 100 would at {:.2f} %; alone a save takes {:.2f} s, {:.0f} MB/s",
        rates.step.value, bench.step.steps, share(steps) * 100, rates.lost.value, share(100) * 100,
        rates.alone.value, rate(rates.bytes, rates.alone) * 1e-6);
    result["step_seconds"] = rates.step.value;
    result["stopped_steps"] = rates.stopped.value / rates.step.value;
    result["lost_seconds"] = rates.lost.value;
    result["rate_with_save"] = share(steps);
    result["rate_of_100_steps_with_save"] = share(100);
    result["alone_seconds"] = rates.alone.value;
    result["alone_bytes_per_second"] = rate(rates.bytes, rates.alone);
    return result;
}

}  // namespace hpml
