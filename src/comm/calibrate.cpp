#include "comm/calibrate.h"

#include <mpi.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/median.h"
#include "comm/kernels/kernels.h"
#include "comm/nodes.h"
#include "comm/ring.h"
#include "comm/shm.h"
#include "mpi/check.h"

namespace hpml::comm {

namespace {

constexpr std::size_t kSegment = 256 * 1024;  ///< bytes, as the ring sends them
constexpr std::size_t kShort = 64;            ///< bytes
constexpr std::size_t kLongest = 32U << 20;   ///< bytes
constexpr int kNodes = 8;                     ///< that the network is measured between
constexpr double kLeastBeta = 1e-12;          ///< what is faster cannot be told from noise

/// Times what ranks do together, as the slowest of them sees it.
class Timer {
  public:
    Timer(const mpi::Communicator& ranks, double budget) : ranks_(ranks), budget_(budget) {}

    template <class Work>
    double once(const Work& work) const {
        ranks_.barrier();
        const Stopwatch watch;
        work();
        return slowest(watch.elapsed().value);
    }
    /// One of several in a row, so that it does not matter how the ranks leave the barrier; the
    /// median of at least 5 and at most 100 such rows.
    template <class Work>
    double median(double seconds, const Work& work) const {
        constexpr int kRow = 8;
        const Stopwatch watch;
        std::vector<double> times;
        do {
            times.push_back(once([&] {
                for (int i = 0; i < kRow; ++i) {
                    work();
                }
            }));
        } while (times.size() < 5 ||
                 (times.size() < 100 && slowest(watch.elapsed().value) < seconds));
        return median_of(std::move(times)) / kRow;
    }
    /// Whether what will take so long can still be measured.
    [[nodiscard]] bool has_time_for(double seconds) const {
        return slowest(watch_.elapsed().value) + seconds < budget_;
    }

  private:
    [[nodiscard]] double slowest(double seconds) const {
        ranks_.max(std::span(&seconds, 1));
        return seconds;
    }

    const mpi::Communicator& ranks_;
    double budget_;
    Stopwatch watch_;
};

std::span<float> floats(const std::shared_ptr<std::byte>& memory, std::size_t bytes) {
    return {reinterpret_cast<float*>(memory.get()), bytes / sizeof(float)};
}

/// Seconds per byte that a rank adds to what it has, with all ranks of a node at it.
double measure_sum(const mpi::Communicator& ranks, double budget) {
    std::vector<float> mine(kSegment / sizeof(float), 1);
    const std::vector<float> received(mine.size(), 0);
    auto* const output = reinterpret_cast<std::byte*>(mine.data());
    const std::byte* const inputs[] = {output, reinterpret_cast<const std::byte*>(received.data())};
    const double seconds = Timer(ranks, budget).median(budget, [&] {
        reduce({.inputs = inputs,
                .input_count = 2,
                .outputs = &output,
                .output_count = 1,
                .count = mine.size()});
    });
    return seconds / kSegment;
}

/// @throw ResourceError if the ranks of the node cannot share memory
void measure_node(const mpi::Communicator& node, double budget, CostConstants& constants) {
    constexpr std::size_t kLong = 4U << 20;
    const auto algorithm = ShmAllReduce::for_node(node);
    algorithm->set_patience(Patience(cores_of(node)));
    const auto memory = algorithm->allocate(Bytes(kLong));
    const auto values = floats(memory, kLong);
    const auto few = values.first(kShort / sizeof(float));
    all_reduce(*algorithm, values);
    const Timer timer(node, budget);
    const double at_once = timer.median(budget / 4, [&] { all_reduce(*algorithm, few); });
    const double all = timer.median(budget / 2, [&] { all_reduce(*algorithm, values); });
    constants.shared_alpha = at_once / 2;
    constants.shared_beta = std::max((all - at_once) / (2 * kLong), kLeastBeta);
}

/// One more of several short messages that leave at the same time.
double measure_overhead(const mpi::Communicator& ranks, const Timer& timer, double budget) {
    constexpr std::size_t kBurst = 64;
    const int right = (ranks.rank().value + 1) % ranks.size();
    const int left = (ranks.rank().value + ranks.size() - 1) % ranks.size();
    std::vector<std::byte> letters(2 * kBurst * kShort);
    std::vector<MPI_Request> requests(2 * kBurst);
    const auto send = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            mpi::check(MPI_Irecv(letters.data() + 2 * i * kShort, kShort, MPI_BYTE, left, 0,
                                 ranks.get(), &requests[2 * i]));
            mpi::check(MPI_Isend(letters.data() + (2 * i + 1) * kShort, kShort, MPI_BYTE, right, 0,
                                 ranks.get(), &requests[2 * i + 1]));
        }
        mpi::check(MPI_Waitall(static_cast<int>(2 * count), requests.data(), MPI_STATUSES_IGNORE));
    };
    const double one = timer.median(budget / 2, [&] { send(1); });
    const double many = timer.median(budget / 2, [&] { send(kBurst); });
    return std::max(many - one, 0.0) / (kBurst - 1);
}

/// Seconds per byte of the buffer that a ring takes: the slope from a short buffer to the longest
/// that the budget allows. What a link gives away after a pause, both get.
double measure_slope(const Timer& timer, Algorithm& ring, std::size_t shortest) {
    const auto memory = ring.allocate(Bytes(kLongest));
    const auto time = [&](std::size_t bytes) {
        return timer.once([&] { all_reduce(ring, floats(memory, bytes)); });
    };
    double short_seconds = time(shortest);
    std::size_t longest = 2 * shortest;
    double long_seconds = time(longest);
    while (2 * longest <= kLongest && timer.has_time_for(2.5 * long_seconds)) {
        longest *= 2;
        long_seconds = time(longest);
    }
    const auto more = static_cast<double>(longest - shortest);
    std::vector<double> slopes = {(long_seconds - short_seconds) / more};
    while (slopes.size() < 15 && timer.has_time_for(long_seconds + short_seconds)) {
        short_seconds = time(shortest);
        long_seconds = time(longest);
        slopes.push_back((long_seconds - short_seconds) / more);
    }
    return std::max(median_of(std::move(slopes)), 0.0);
}

/// @param leaders  one rank of each node
void measure_network(const mpi::Communicator& leaders, double budget, CostConstants& constants) {
    Ring ring(leaders, RingOptions::between_nodes());
    const double n = leaders.size();
    const std::size_t shortest = static_cast<std::size_t>(leaders.size()) * kSegment;
    const auto memory = ring.allocate(Bytes(shortest));
    all_reduce(ring, floats(memory, shortest));  // connections
    const Timer timer(leaders, budget);
    const auto few = floats(memory, shortest).first(static_cast<std::size_t>(leaders.size()));
    constants.network_alpha =
        timer.median(budget / 8, [&] { all_reduce(ring, few); }) / (2 * (n - 1));
    constants.message_overhead = measure_overhead(leaders, timer, budget / 8);
    // Of the two phases the one that adds takes what is slower (cost_model.cpp).
    const double both = measure_slope(timer, ring, shortest) * n / (n - 1);
    constants.network_beta = std::max(std::min(both / 2, both - constants.sum_beta), kLeastBeta);
}

/// One rank of each of the first nodes, on those ranks.
std::optional<mpi::Communicator> leaders_of(const mpi::Communicator& ranks,
                                            const mpi::Communicator& node) {
    const mpi::Communicator first_of_node = ranks.split(node.is_root() ? 0 : 1);
    const bool leads = node.is_root() && first_of_node.rank().value < kNodes;
    mpi::Communicator leaders = ranks.split(leads ? 0 : 1);
    return leads ? std::optional(std::move(leaders)) : std::nullopt;
}

/// Each constant of the slowest rank; one that no rank has measured stays 0.
void agree_on(const mpi::Communicator& ranks, CostConstants& constants) {
    double values[] = {constants.network_alpha, constants.network_beta, constants.message_overhead,
                       constants.shared_alpha,  constants.shared_beta,  constants.sum_beta};
    ranks.max(std::span(values));
    constants.network_alpha = values[0];
    constants.network_beta = values[1];
    constants.message_overhead = values[2];
    constants.shared_alpha = values[3];
    constants.shared_beta = values[4];
    constants.sum_beta = values[5];
}

}  // namespace

Calibration calibrate(const mpi::Communicator& ranks, const mpi::Communicator& node,
                      Seconds budget) {
    Calibration found{{ranks.size(), count_nodes(ranks, node)}, {0, 0, 0, 0, 0, 0, 1}};
    found.constants.sum_beta = measure_sum(ranks, budget.value / 20);
    if (node.size() > 1) {
        try {
            measure_node(node, budget.value / 4, found.constants);
        } catch (const Error& obstacle) {
            if (obstacle.code() != ExitCode::Resource) {
                throw;
            }
        }
    }
    if (found.topology.nodes > 1) {
        if (const auto leaders = leaders_of(ranks, node)) {
            measure_network(*leaders, budget.value * 0.7, found.constants);
        }
    }
    agree_on(ranks, found.constants);
    const CostConstants shipped;
    found.has_network = found.constants.network_beta > 0;
    found.has_node = found.constants.shared_beta > 0;
    if (!found.has_network) {
        found.constants.network_alpha = shipped.network_alpha;
        found.constants.network_beta = shipped.network_beta;
        found.constants.message_overhead = shipped.message_overhead;
    }
    if (!found.has_node) {
        found.constants.shared_alpha = shipped.shared_alpha;
        found.constants.shared_beta = shipped.shared_beta;
    }
    return found;
}

}  // namespace hpml::comm
