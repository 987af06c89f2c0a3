#include "comm/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "comm/select.h"

namespace hpml::comm {

namespace {

/// An algorithm with what was measured of it at one size.
struct Contestant {
    std::string name;
    std::unique_ptr<Algorithm> algorithm;
    std::vector<double> seconds;
    std::size_t wrong_sums = 0;
};

/// Whole numbers that change with the iteration, so that a buffer that was not touched is noticed.
float own_value(int rank, std::size_t index, std::size_t iteration) {
    return static_cast<float>((index + iteration * 7) % 512 + static_cast<std::size_t>(rank));
}

double median_of(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

class Bench {
  public:
    Bench(const mpi::Communicator& ranks, const AllReduceBenchOptions& options)
        : ranks_(ranks), options_(options) {
        for (const std::string& name : options.algorithms) {
            contestants_.push_back({name, make_algorithm(name, ranks), {}, 0});
        }
    }

    /// All algorithms at one size.
    std::vector<AllReduceBenchRow> measure(Bytes size) {
        std::vector<float> buffer(size.value / sizeof(float));
        for (Contestant& contestant : contestants_) {
            contestant.seconds.clear();
            contestant.wrong_sums = 0;
            time_once(contestant, buffer, 0);  // connections, page faults
        }
        const Stopwatch watch;
        std::size_t iteration = 0;
        bool go_on = true;
        while (go_on) {
            ++iteration;
            for (Contestant& contestant : contestants_) {
                contestant.seconds.push_back(time_once(contestant, buffer, iteration));
            }
            go_on = iteration < options_.least_iterations ||
                    (iteration < options_.most_iterations && root_has_time(watch));
        }
        return rows(size);
    }

  private:
    /// Rank 0's clock decides for all.
    bool root_has_time(const Stopwatch& watch) const {
        std::int64_t has_time =
            ranks_.is_root() && watch.elapsed() < options_.time_per_size ? 1 : 0;
        ranks_.max(std::span(&has_time, 1));
        return has_time != 0;
    }

    double time_once(Contestant& contestant, std::span<float> buffer, std::size_t iteration) {
        const int rank = ranks_.rank().value;
        for (std::size_t i = 0; i < buffer.size(); ++i) {
            buffer[i] = own_value(rank, i, iteration);
        }
        ranks_.barrier();
        const Stopwatch watch;
        const auto operation = contestant.algorithm->start(buffer);
        while (!operation->advance()) {
            std::this_thread::yield();
        }
        double seconds = watch.elapsed().value;
        ranks_.max(std::span(&seconds, 1));
        const auto size = static_cast<float>(ranks_.size());
        const float over_ranks = size * (size - 1) / 2;
        for (std::size_t i = 0; i < buffer.size(); ++i) {
            const float expected = size * own_value(0, i, iteration) + over_ranks;
            contestant.wrong_sums += buffer[i] == expected ? 0 : 1;
        }
        return seconds;
    }

    std::vector<AllReduceBenchRow> rows(Bytes size) const {
        const auto reference =
            std::find_if(contestants_.begin(), contestants_.end(),
                         [&](const Contestant& one) { return one.name == options_.reference; });
        std::vector<AllReduceBenchRow> rows;
        for (const Contestant& contestant : contestants_) {
            std::vector<double> ratios;
            for (std::size_t i = 0; i < contestant.seconds.size(); ++i) {
                ratios.push_back(reference->seconds[i] / contestant.seconds[i]);
            }
            auto wrong = static_cast<std::int64_t>(contestant.wrong_sums);
            ranks_.sum(std::span(&wrong, 1));
            AllReduceBenchRow row;
            row.size = size;
            row.algorithm = contestant.name;
            row.iterations = contestant.seconds.size();
            row.median = Seconds(median_of(contestant.seconds));
            row.ratio = median_of(ratios);
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
};

std::string size_text(Bytes size) {
    if (size.value >= (1U << 20)) {
        return fmt::format("{} MiB", size.value >> 20);
    }
    return size.value >= 1024 ? fmt::format("{} KiB", size.value >> 10)
                              : fmt::format("{} B", size.value);
}

}  // namespace

std::vector<AllReduceBenchRow> run_all_reduce_bench(const mpi::Communicator& ranks,
                                                    const AllReduceBenchOptions& options) {
    const auto& names = options.algorithms;
    if (std::find(names.begin(), names.end(), options.reference) == names.end()) {
        throw UsageError("the reference '" + options.reference +
                         "' is not among the algorithms that are measured");
    }
    if (options.smallest.value < sizeof(float) || options.largest < options.smallest) {
        throw UsageError("no all-reduce size to measure; give 4 bytes or more");
    }
    Bench bench(ranks, options);
    std::vector<AllReduceBenchRow> rows;
    for (Bytes size = options.smallest; size <= options.largest; size = Bytes(size.value * 8)) {
        const auto more = bench.measure(size);
        rows.insert(rows.end(), more.begin(), more.end());
    }
    return rows;
}

std::string to_table(const std::vector<AllReduceBenchRow>& rows) {
    std::string table = fmt::format("{:>8}  {:<10} {:>6} {:>12} {:>10} {:>7} {:>6}\n", "size",
                                    "algorithm", "runs", "median us", "bus GB/s", "ratio", "wrong");
    for (const AllReduceBenchRow& row : rows) {
        table += fmt::format("{:>8}  {:<10} {:>6} {:>12.1f} {:>10.2f} {:>7.2f} {:>6}\n",
                             size_text(row.size), row.algorithm, row.iterations,
                             row.median.value * 1e6, row.bus_gigabytes, row.ratio, row.wrong_sums);
    }
    return table;
}

Json to_json(const std::vector<AllReduceBenchRow>& rows) {
    Json array = Json::array();
    for (const AllReduceBenchRow& row : rows) {
        array.push_back({{"bytes", row.size.value},
                         {"algorithm", row.algorithm},
                         {"iterations", row.iterations},
                         {"median_seconds", row.median.value},
                         {"bus_gigabytes_per_second", row.bus_gigabytes},
                         {"ratio", row.ratio},
                         {"wrong_sums", row.wrong_sums}});
    }
    return array;
}

}  // namespace hpml::comm
