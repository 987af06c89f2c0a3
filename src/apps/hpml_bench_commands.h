#pragma once

#include "apps/hpml_bench_options.h"
#include "base/json.h"
#include "base/log.h"
#include "mpi/communicator.h"

namespace hpml {

/// The subcommands that measure with all ranks. Each prints its result through `log` and returns
/// what --json writes. Collective.
[[nodiscard]] Json bench_all_reduce(const BenchOptions& options, const mpi::Communicator& ranks,
                                    const Log& log);
[[nodiscard]] Json bench_step(const BenchOptions& options, const mpi::Communicator& ranks,
                              const Log& log);
[[nodiscard]] Json bench_checkpoint(const BenchOptions& options, const mpi::Communicator& ranks,
                                    const Log& log);
[[nodiscard]] Json bench_overlap(const BenchOptions& options, const mpi::Communicator& ranks,
                                 const Log& log);
[[nodiscard]] Json bench_loader(const BenchOptions& options, const mpi::Communicator& ranks,
                                const Log& log);
[[nodiscard]] Json bench_engine(const BenchOptions& options, const mpi::Communicator& ranks,
                                const Log& log);
/// Of one process.
[[nodiscard]] Json bench_optimizer(const BenchOptions& options, const mpi::Communicator& ranks,
                                   const Log& log);
/// Of a file; rank 0 reads.
[[nodiscard]] Json summarize_trace(const BenchOptions& options, const mpi::Communicator& ranks,
                                   const Log& log);

/// A cluster file for `bench_simulate`.
[[nodiscard]] Json bench_calibrate(const BenchOptions& options, const mpi::Communicator& ranks,
                                   const Log& log);

/// The subcommands of one process, which need no MPI.
[[nodiscard]] Json bench_simulate(const BenchOptions& options, const Log& log);
[[nodiscard]] Json bench_tokenizer(const BenchOptions& options, const Log& log);

}  // namespace hpml
