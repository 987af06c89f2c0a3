#include "apps/hpml_bench_commands.h"
#include "comm/bench.h"

namespace hpml {

Json bench_all_reduce(const BenchOptions& options, const mpi::Communicator& ranks, const Log& log) {
    comm::AllReduceBenchOptions bench;
    bench.smallest = Bytes(options.smallest);
    bench.largest = mib(options.largest_mib);
    bench.growth = static_cast<std::uint64_t>(options.growth);
    bench.time_per_size = options.time_per_size;
    bench.all_reduce = options.step.communication.all_reduce;
    bench.compare_mpi = options.compare == "mpi";
    bench.elastic = options.elastic;
    bench.algorithms = options.algorithms;
    const auto report = comm::run_all_reduce_bench(ranks, bench);
    log.info("{}", comm::to_table(report));
    return comm::to_json(report);
}

}  // namespace hpml
