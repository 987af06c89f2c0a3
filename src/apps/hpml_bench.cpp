// hpml_bench: measure the all-reduce, the training step and the loader on this machine.

#include <fmt/format.h>
#include <torch/version.h>

#include <filesystem>
#include <optional>

#include "apps/options.h"
#include "apps/program.h"
#include "base/json.h"
#include "base/log.h"
#include "comm/bench.h"
#include "comm/select.h"
#include "corpus/loader_bench.h"
#include "mpi/environment.h"
#include "tasks/step_bench.h"
#include "train/compute.h"

namespace {

using namespace hpml;

struct BenchOptions {
    std::string what;
    std::optional<std::filesystem::path> json;
    std::filesystem::path data = "data/prepared";
    std::string model = "base";
    tasks::StepBenchOptions step;
    std::string device = "auto";
    int threads = 0;
    std::vector<std::string> algorithms;
    std::string compare = "mpi";
    std::uint64_t smallest = 8;
    double largest_mib = 256;
    std::int64_t growth = 8;
    Seconds time_per_size{1};
    std::int64_t micro_batches = 2000;
};

Json bench_all_reduce(const BenchOptions& options, const mpi::Communicator& ranks, const Log& log) {
    comm::AllReduceBenchOptions bench;
    bench.smallest = Bytes(options.smallest);
    bench.largest = mib(options.largest_mib);
    bench.growth = static_cast<std::uint64_t>(options.growth);
    bench.time_per_size = options.time_per_size;
    bench.compare_mpi = options.compare == "mpi";
    if (!options.algorithms.empty()) {
        bench.algorithms = options.algorithms;
    }
    const auto report = comm::run_all_reduce_bench(ranks, bench);
    log.info("{}", comm::to_table(report));
    return comm::to_json(report);
}

Json bench_step(const BenchOptions& options, const mpi::Communicator& ranks, const Log& log) {
    const auto compute = train::choose_compute(
        {options.device, options.threads, mpi::Environment::multiple()}, ranks, log);
    auto step = options.step;
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

Json bench_loader(const BenchOptions& options, const mpi::Communicator& ranks, const Log& log) {
    corpus::LoaderRates rates;
    mpi::agree(ranks, [&] {
        corpus::LoaderOptions loader;
        loader.micro_batch = options.step.micro_batch;
        loader.global_batch = options.step.micro_batch * options.step.accumulation;
        loader.masking.rate = options.step.masking_rate;
        rates = corpus::measure_loader(options.data, loader, options.micro_batches);
    });
    log.info("{} micro-batches of {}: {:.2f} M tokens/s on each of {} ranks, opened in {:.1f} ms",
             rates.micro_batches, options.step.micro_batch, rates.tokens_per_second / 1e6,
             ranks.size(), rates.opening.value * 1e3);
    return {
        {"micro_batches", rates.micro_batches},   {"tokens", rates.tokens.value},
        {"opening_seconds", rates.opening.value}, {"reading_seconds", rates.reading.value},
        {"stalled_seconds", rates.stalled.value}, {"tokens_per_second", rates.tokens_per_second}};
}

int bench(const BenchOptions& options, const mpi::Communicator& ranks) {
    check_launch(ranks.size());
    const Log log(ranks.rank(), ranks.is_root());
    const Json result = options.what == "allreduce" ? bench_all_reduce(options, ranks, log)
                        : options.what == "step"    ? bench_step(options, ranks, log)
                                                    : bench_loader(options, ranks, log);
    mpi::on_root(ranks, [&] {
        if (options.json) {
            write_json(*options.json,
                       {{"benchmark", options.what}, {"ranks", ranks.size()}, {"result", result}});
        }
    });
    return 0;
}

void declare(OptionTable& table, BenchOptions& options) {
    table.group("Benchmark")
        .add_positional("what", options.what, "allreduce, step or loader")
        .choices({"allreduce", "step", "loader"})
        .required()
        .add("json", options.json, "Also write the result there")
        .placeholder("FILE");
    table.group("All-reduce")
        .add("algorithm", options.algorithms, "shm, ring or mpi; several: one option each")
        .add("compare", options.compare,
             "Beside MPI_Allreduce, the same with malloc tuned, and with packing and unpacking")
        .choices({"mpi", "none"})
        .add("smallest", options.smallest, "Smallest buffer")
        .unit("bytes")
        .at_least(4)
        .add("largest-mib", options.largest_mib, "Largest buffer")
        .unit("MiB")
        .above(0)
        .add("growth", options.growth, "Factor from one size to the next")
        .at_least(2)
        .add("time-per-size", options.time_per_size, "Time for all ways at one size")
        .above(0);
    table.group("Step and loader")
        .add("data", options.data, "Folder that hpml_prepare made (loader)")
        .placeholder("DIR")
        .from_environment("HPML_DATA")
        .add("model", options.model, "Encoder (step)")
        .choices({"tiny", "mini", "small", "medium", "base", "large"})
        .or_file(".json")
        .add("optimizer", options.step.optimizer, "Update rule (step)")
        .choices({"lamb", "adafactor", "adamw", "adam"})
        .add("allreduce", options.step.all_reduce, "How gradients are summed (step)")
        .choices(comm::algorithm_names())
        .add("micro-batch", options.step.micro_batch, "Sequences per forward pass")
        .at_least(1)
        .add("accumulation", options.step.accumulation, "Micro-batches per step and rank")
        .at_least(1)
        .add("sequence-length", options.step.sequence_length, "Tokens per row (step)")
        .at_least(2)
        .add("dropout", options.step.dropout, "Dropout probability (step)")
        .at_least(0)
        .below(1)
        .add("steps", options.step.steps, "Timed steps")
        .at_least(1)
        .add("micro-batches", options.micro_batches, "Micro-batches to read (loader)")
        .at_least(1)
        .add("device", options.device, "Where to compute (step)")
        .choices({"auto", "cpu", "cuda"})
        .add("threads", options.threads,
             "Compute threads per rank; 0: from the cores the rank is bound to")
        .at_least(0);
}

}  // namespace

int main(int argc, char** argv) {
    BenchOptions options;
    OptionTable table("hpml_bench", "Measure the all-reduce, the training step and the loader");
    declare(table, options);
    table.library(std::string("LibTorch ") + TORCH_VERSION);
    table.example("mpirun -np 2 hpml_bench allreduce --json allreduce.json",
                  "ring against MPI, 8 B to 256 MiB");
    table.example("mpirun -np 2 hpml_bench step --model base",
                  "tokens per second of whole training steps");
    return run_parallel_program(
        [&] { return table.parse(argc, argv) == ParseResult::Run; },
        [&](const mpi::Communicator& world) { return bench(options, world); });
}
