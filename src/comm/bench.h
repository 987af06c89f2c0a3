#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/units.h"
#include "comm/all_reduce_options.h"
#include "mpi/communicator.h"

namespace hpml::comm {

struct AllReduceBenchOptions {
    /// Of algorithm_names(), measured in memory of their own and, where that makes a difference, in
    /// memory that the caller brought ("shm foreign"). Empty: all but "auto", which is one of them.
    std::vector<std::string> algorithms;
    AllReduceOptions all_reduce{};  ///< of all of them; its algorithm does not count
    /// Beside what the MPI library offers: "MPI_Allreduce" as it is; "MPI tuned", with a malloc
    /// that keeps its large temporary buffers; "pack+MPI+unpack", the way of a fusion buffer that
    /// tensors are copied into and out of.
    bool compare_mpi = true;
    /// Beside each algorithm its elastic sums ("shm elastic"), whose bits do not depend on the
    /// number of ranks: every rank adds one term.
    bool elastic = false;
    Bytes smallest = Bytes(8);  ///< sizes go up by factors of `growth`
    Bytes largest = mib(256);
    std::uint64_t growth = 8;
    /// Of one size over all ways; a size is measured at least `least_iterations` times.
    Seconds time_per_size = Seconds(1.0);
    std::size_t least_iterations = 5;
    std::size_t most_iterations = 500;
};

/// One way at one size.
struct AllReduceBenchRow {
    Bytes size;
    std::string way;
    std::size_t iterations = 0;
    Seconds median;            ///< over iterations, each as slow as its slowest rank
    double bus_gigabytes = 0;  ///< size / median * 2(N-1)/N, in 1e9 bytes per second
    /// Median over iterations of another way's time / this one's: above 1 this one is faster.
    std::map<std::string, double> ratios;
    std::size_t wrong_sums = 0;  ///< elements that were not the exact sum, over all ranks
};

struct AllReduceBenchReport {
    std::vector<AllReduceBenchRow> rows;
    /// What all ranks together read and write per second in 1e9 bytes, by STREAM's triad on arrays
    /// that no cache holds (McCalpin, 1995).
    double memory_gigabytes = 0;
    /// No all-reduce in shared memory can be faster: (N-1)/N^2 of it, for every element is read N
    /// times and written N times.
    double bus_limit_gigabytes = 0;
    std::vector<std::string> obstacles;  ///< algorithms that cannot run here, and why
};

/// Time all-reduces of float buffers in host memory, turn by turn in one process, so that whatever
/// else the machine does meets all of them. Every buffer is filled anew before each iteration, and
/// every sum compared with the exact one after it, outside the timed part. Collective; the same
/// report on every rank.
/// @throw UsageError for an unknown algorithm or no size
[[nodiscard]] AllReduceBenchReport run_all_reduce_bench(const mpi::Communicator& ranks,
                                                        const AllReduceBenchOptions& options);

/// A table for people, one line per row.
[[nodiscard]] std::string to_table(const AllReduceBenchReport& report);

/// {memory_gigabytes_per_second, bus_limit_gigabytes_per_second, obstacles, rows: [{bytes, way,
/// iterations, median_seconds, bus_gigabytes_per_second, ratios, wrong_sums}]}.
[[nodiscard]] Json to_json(const AllReduceBenchReport& report);

}  // namespace hpml::comm
