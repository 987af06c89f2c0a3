// hpml_bench: measure the all-reduce, the training step and the loader on this machine.

#include <torch/version.h>

#include <map>

#include "apps/hpml_bench_commands.h"
#include "apps/program.h"

namespace {

using namespace hpml;

using Command = Json (*)(const BenchOptions&, const mpi::Communicator&, const Log&);

int bench(const BenchOptions& options, const mpi::Communicator& ranks) {
    check_launch(ranks.size());
    const std::map<std::string, Command> commands = {{"allreduce", bench_all_reduce},
                                                     {"step", bench_step},
                                                     {"loader", bench_loader},
                                                     {"engine", bench_engine},
                                                     {"trace-summary", summarize_trace}};
    const Log log(ranks.rank(), ranks.is_root());
    const Json result = commands.at(options.what)(options, ranks, log);
    mpi::on_root(ranks, [&] {
        if (options.json) {
            write_json(*options.json,
                       {{"benchmark", options.what}, {"ranks", ranks.size()}, {"result", result}});
        }
    });
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    BenchOptions options;
    OptionTable table("hpml_bench", "Measure the all-reduce, the training step and the loader");
    declare_bench_options(table, options);
    table.library(std::string("LibTorch ") + TORCH_VERSION);
    table.example("mpirun -np 2 hpml_bench allreduce --json allreduce.json",
                  "ring against MPI, 8 B to 256 MiB");
    table.example("mpirun -np 2 hpml_bench step --model base",
                  "tokens per second of whole training steps");
    table.example("hpml_bench trace-summary trace.json",
                  "where the time of the steps went that --trace recorded");
    return run_parallel_program(
        [&] { return table.parse(argc, argv) == ParseResult::Run; },
        [&](const mpi::Communicator& world) { return bench(options, world); });
}
