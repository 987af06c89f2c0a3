#include "apps/hpml_bench_commands.h"
#include "base/error.h"
#include "comm/trace/summary.h"

namespace hpml {

Json summarize_trace(const BenchOptions& options, const mpi::Communicator& ranks, const Log& log) {
    Json result;
    mpi::on_root(ranks, [&] {
        if (!options.timeline) {
            throw UsageError("trace-summary needs the file that --trace wrote; add its name");
        }
        const auto summary = comm::summarize_trace(*options.timeline);
        log.info("{}", comm::to_table(summary));
        result = comm::to_json(summary);
    });
    return result;
}

}  // namespace hpml
