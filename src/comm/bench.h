#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/units.h"
#include "mpi/communicator.h"

namespace hpml::comm {

struct AllReduceBenchOptions {
    std::vector<std::string> algorithms = {"ring", "mpi"};  ///< names for make_algorithm
    std::string reference = "mpi";  ///< one of them: ratios are its time over the other's
    Bytes smallest = Bytes(8);      ///< sizes go up by factors of 8
    Bytes largest = mib(256);
    /// Of one size over all algorithms; a size is measured at least `least_iterations` times.
    Seconds time_per_size = Seconds(1.0);
    std::size_t least_iterations = 5;
    std::size_t most_iterations = 500;
};

/// One algorithm at one size.
struct AllReduceBenchRow {
    Bytes size;
    std::string algorithm;
    std::size_t iterations = 0;
    Seconds median;              ///< over iterations, each as slow as its slowest rank
    double bus_gigabytes = 0;    ///< size / median * 2(N-1)/N, in 1e9 bytes per second
    double ratio = 1;            ///< median over iterations of reference's time / this one's
    std::size_t wrong_sums = 0;  ///< elements that were not the exact sum, over all ranks
};

/// Time the algorithms on float buffers in host memory, turn by turn in one process, so that
/// whatever else the machine does meets all of them. Every result of every iteration is compared
/// with the exact sum, outside the timed part. Collective; the same rows on every rank.
/// @throw UsageError for an unknown algorithm, a reference that is not measured, or no size
[[nodiscard]] std::vector<AllReduceBenchRow> run_all_reduce_bench(
    const mpi::Communicator& ranks, const AllReduceBenchOptions& options);

/// A table for people, one line per row.
[[nodiscard]] std::string to_table(const std::vector<AllReduceBenchRow>& rows);

/// An array of {bytes, algorithm, iterations, median_seconds, bus_gigabytes_per_second, ratio,
/// wrong_sums}.
[[nodiscard]] Json to_json(const std::vector<AllReduceBenchRow>& rows);

}  // namespace hpml::comm
