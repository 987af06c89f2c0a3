#include "comm/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "base/median.h"
#include "comm/bench_ways.h"

namespace hpml::comm {

namespace {

/// Whole numbers that change with the iteration, so that a buffer that was not touched is noticed.
float own_value(int rank, std::size_t index, std::size_t iteration) {
    return static_cast<float>((index + iteration * 7) % 512 + static_cast<std::size_t>(rank));
}

/// A way with what was measured of it at one size.
struct Contestant {
    std::unique_ptr<BenchWay> way;
    std::vector<double> seconds;
    std::size_t wrong_sums = 0;
};

class Bench {
  public:
    Bench(const mpi::Communicator& ranks, const AllReduceBenchOptions& options)
        : ranks_(ranks), options_(options) {
        auto ways = make_ways(ranks, options, options.largest.value / sizeof(float), obstacles_);
        for (auto& way : ways) {
            contestants_.push_back({std::move(way), {}, 0});
        }
    }

    /// All ways at one size.
    std::vector<AllReduceBenchRow> measure(Bytes size) {
        const std::size_t count = size.value / sizeof(float);
        for (Contestant& contestant : contestants_) {
            contestant.seconds.clear();
            contestant.wrong_sums = 0;
            time_once(contestant, count, 0);  // connections, page faults
        }
        const Stopwatch watch;
        std::size_t iteration = 0;
        bool go_on = true;
        while (go_on) {
            ++iteration;
            // Each in its turn the first: what the one before it has left in the caches is shared
            // out.
            for (std::size_t i = 0; i < contestants_.size(); ++i) {
                Contestant& contestant = contestants_[(i + iteration) % contestants_.size()];
                contestant.seconds.push_back(time_once(contestant, count, iteration));
            }
            go_on = iteration < options_.least_iterations ||
                    (iteration < options_.most_iterations && root_has_time(watch));
        }
        return rows(size);
    }
    [[nodiscard]] const std::vector<std::string>& obstacles() const { return obstacles_; }

  private:
    /// Rank 0's clock decides for all.
    bool root_has_time(const Stopwatch& watch) const {
        std::int64_t has_time =
            ranks_.is_root() && watch.elapsed() < options_.time_per_size ? 1 : 0;
        ranks_.max(std::span(&has_time, 1));
        return has_time != 0;
    }

    double time_once(Contestant& contestant, std::size_t count, std::size_t iteration) {
        const int rank = ranks_.rank().value;
        const auto values = contestant.way->values(count);
        for (std::size_t i = 0; i < count; ++i) {
            values[i] = own_value(rank, i, iteration);
        }
        contestant.way->prepare();
        ranks_.barrier();
        const Stopwatch watch;
        contestant.way->sum(values);
        double seconds = watch.elapsed().value;
        ranks_.max(std::span(&seconds, 1));
        const auto size = static_cast<float>(ranks_.size());
        const float over_ranks = size * (size - 1) / 2;
        for (std::size_t i = 0; i < count; ++i) {
            const float expected = size * own_value(0, i, iteration) + over_ranks;
            contestant.wrong_sums += values[i] == expected ? 0 : 1;
        }
        return seconds;
    }

    [[nodiscard]] static double ratio(const Contestant& of, const Contestant& to) {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < of.seconds.size(); ++i) {
            ratios.push_back(to.seconds[i] / of.seconds[i]);
        }
        return median_of(ratios);
    }

    std::vector<AllReduceBenchRow> rows(Bytes size) const {
        std::vector<AllReduceBenchRow> rows;
        for (const Contestant& contestant : contestants_) {
            auto wrong = static_cast<std::int64_t>(contestant.wrong_sums);
            ranks_.sum(std::span(&wrong, 1));
            AllReduceBenchRow row;
            row.size = size;
            row.way = contestant.way->name();
            row.iterations = contestant.seconds.size();
            row.median = Seconds(median_of(contestant.seconds));
            for (const Contestant& other : contestants_) {
                row.ratios[other.way->name()] = ratio(contestant, other);
            }
            row.wrong_sums = static_cast<std::size_t>(wrong);
            const double lanes = 2.0 * (ranks_.size() - 1) / ranks_.size();
            row.bus_gigabytes = static_cast<double>(size.value) / row.median.value * lanes * 1e-9;
            rows.push_back(row);
        }
        return rows;
    }

    const mpi::Communicator& ranks_;
    const AllReduceBenchOptions& options_;
    std::vector<Contestant> contestants_;
    std::vector<std::string> obstacles_;
};

/// The best of a few passes, all ranks at the same time.
double memory_gigabytes(const mpi::Communicator& ranks) {
    constexpr std::size_t kCount = 8U << 20;  // three arrays of 64 MiB
    std::vector<double> a(kCount, 1.0);
    std::vector<double> b(kCount, 2.0);
    std::vector<double> c(kCount, 3.0);
    double best = 0;
    for (int pass = 0; pass < 5; ++pass) {
        ranks.barrier();
        const Stopwatch watch;
        for (std::size_t i = 0; i < kCount; ++i) {
            a[i] = b[i] + 0.5 * c[i];
        }
        double rate = 3.0 * kCount * sizeof(double) / watch.elapsed().value * 1e-9;
        ranks.sum(std::span(&rate, 1));
        best = std::max(best, rate);
        b[static_cast<std::size_t>(pass)] = a[kCount - 1];
    }
    return best;
}

std::string size_text(Bytes size) {
    if (size.value >= (1U << 20)) {
        return fmt::format("{} MiB", size.value >> 20);
    }
    return size.value >= 1024 ? fmt::format("{} KiB", size.value >> 10)
                              : fmt::format("{} B", size.value);
}

std::string ratio_text(const AllReduceBenchRow& row, const char* reference) {
    const auto ratio = row.ratios.find(reference);
    return ratio == row.ratios.end() ? "-" : fmt::format("{:.2f}", ratio->second);
}

}  // namespace

AllReduceBenchReport run_all_reduce_bench(const mpi::Communicator& ranks,
                                          const AllReduceBenchOptions& options) {
    if (options.smallest.value < sizeof(float) || options.largest < options.smallest ||
        options.growth < 2) {
        throw UsageError("no all-reduce size to measure; give 4 bytes or more");
    }
    AllReduceBenchReport report;
    Bench bench(ranks, options);
    for (Bytes size = options.smallest; size <= options.largest;
         size = Bytes(size.value * options.growth)) {
        const auto more = bench.measure(size);
        report.rows.insert(report.rows.end(), more.begin(), more.end());
    }
    report.obstacles = bench.obstacles();
    report.memory_gigabytes = memory_gigabytes(ranks);
    const double n = ranks.size();
    report.bus_limit_gigabytes = report.memory_gigabytes * (n - 1) / (n * n);
    return report;
}

std::string to_table(const AllReduceBenchReport& report) {
    std::string table =
        fmt::format("{:>8}  {:<18} {:>6} {:>12} {:>9} {:>8} {:>8} {:>8} {:>6}\n", "size", "way",
                    "runs", "median us", "bus GB/s", "vs MPI", "vs tuned", "vs pack", "wrong");
    for (const AllReduceBenchRow& row : report.rows) {
        table += fmt::format("{:>8}  {:<18} {:>6} {:>12.1f} {:>9.2f} {:>8} {:>8} {:>8} {:>6}\n",
                             size_text(row.size), row.way, row.iterations, row.median.value * 1e6,
                             row.bus_gigabytes, ratio_text(row, "MPI_Allreduce"),
                             ratio_text(row, "MPI tuned"), ratio_text(row, "pack+MPI+unpack"),
                             row.wrong_sums);
    }
    table += fmt::format(
        "memory (STREAM triad, all ranks): {:.1f} GB/s; shared memory can give a bus rate of "
        "{:.2f} GB/s beyond the caches\n",
        report.memory_gigabytes, report.bus_limit_gigabytes);
    for (const std::string& obstacle : report.obstacles) {
        table += "not measured: " + obstacle + "\n";
    }
    return table;
}

Json to_json(const AllReduceBenchReport& report) {
    Json rows = Json::array();
    for (const AllReduceBenchRow& row : report.rows) {
        rows.push_back({{"bytes", row.size.value},
                        {"way", row.way},
                        {"iterations", row.iterations},
                        {"median_seconds", row.median.value},
                        {"bus_gigabytes_per_second", row.bus_gigabytes},
                        {"ratios", row.ratios},
                        {"wrong_sums", row.wrong_sums}});
    }
    return {{"memory_gigabytes_per_second", report.memory_gigabytes},
            {"bus_limit_gigabytes_per_second", report.bus_limit_gigabytes},
            {"obstacles", report.obstacles},
            {"rows", std::move(rows)}};
}

}  // namespace hpml::comm
