// hpml_bench: measure the all-reduce, the training step, the loader and the tokenizers on this
// machine, and predict steps on others.

#include <torch/version.h>

#include <map>

#include "apps/hpml_bench_commands.h"
#include "apps/program.h"

namespace {

using namespace hpml;

using ParallelCommand = Json (*)(const BenchOptions&, const mpi::Communicator&, const Log&);

/// A calibration is a cluster file, not a measurement in a frame.
Json document(const BenchOptions& options, int ranks, const Json& result) {
    return options.what == "calibrate"
               ? result
               : Json{{"benchmark", options.what}, {"ranks", ranks}, {"result", result}};
}

int bench(const BenchOptions& options, const mpi::Communicator& ranks) {
    check_launch(ranks.size());
    const std::map<std::string, ParallelCommand> commands = {
        {"allreduce", bench_all_reduce}, {"step", bench_step},
        {"overlap", bench_overlap},      {"loader", bench_loader},
        {"engine", bench_engine},        {"calibrate", bench_calibrate},
        {"optimizer", bench_optimizer},  {"trace-summary", summarize_trace},
        {"checkpoint", bench_checkpoint}};
    const Log log(ranks.rank(), ranks.is_root());
    const Json result = commands.at(options.what)(options, ranks, log);
    mpi::on_root(ranks, [&] {
        if (options.json) {
            write_json(*options.json, document(options, ranks.size(), result));
        }
    });
    return 0;
}

/// What one process does without MPI. Copies of it under mpirun leave it to the first.
/// @return whether it is such a subcommand
bool ran_alone(const BenchOptions& options) {
    const bool simulates = options.what == "simulate";
    if (!simulates && options.what != "tokenizer") {
        return false;
    }
    if (launched_rank() == 0) {
        const Log log(Rank(0), true);
        const Json result =
            simulates ? bench_simulate(options, log) : bench_tokenizer(options, log);
        if (options.json) {
            const auto ranks = simulates ? static_cast<int>(options.simulated_ranks) : 1;
            write_json(*options.json, document(options, ranks, result));
        }
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    BenchOptions options;
    OptionTable table("hpml_bench",
                      "Measure the all-reduce, the training step and the loader, or predict steps");
    declare_bench_options(table, options);
    table.library(std::string("LibTorch ") + TORCH_VERSION);
    table.example("mpirun -np 2 hpml_bench allreduce --json allreduce.json",
                  "ring against MPI, 8 B to 256 MiB");
    table.example("mpirun -np 2 hpml_bench step --model base",
                  "tokens per second of whole training steps");
    table.example("hpml_bench optimizer --model base --threads 2",
                  "how near the optimizers' steps come to the memory's bandwidth");
    table.example("mpirun -np 2 hpml_bench checkpoint --model base --folder /scratch",
                  "what a checkpoint costs the training, and how fast it is written");
    table.example("hpml_bench trace-summary trace.json",
                  "where the time of the steps went that --trace recorded");
    table.example("mpirun -np 4 hpml_bench calibrate --json cluster.json",
                  "measure latencies and rates of the nodes that the ranks are on");
    table.example("hpml_bench simulate --cluster cluster.json --model base --ranks 256",
                  "predict steps on a larger cluster, without MPI");
    table.example("hpml_bench tokenizer --vocab vocab.txt --text extracted/AA/wiki_00",
                  "megabytes per second on one core");
    return run_parallel_program(
        [&] { return table.parse(argc, argv) == ParseResult::Run && !ran_alone(options); },
        [&](const mpi::Communicator& world) { return bench(options, world); });
}
