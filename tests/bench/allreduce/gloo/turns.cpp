// hpml::comm's side of the comparison with gloo. Rank 0 reads lines "allocated|own BYTES
// ITERATIONS"; for each, all ranks sum buffers of that size and rank 0 writes one line of JSON.
// Between turns nobody uses a core.
#include <hpml/comm.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Turn {
    long is_allocated = 0;  ///< whether the buffer is in memory of the library's
    long bytes = 0;         ///< 0: no more turns
    long iterations = 0;
};

/// What rank 0 has read, on every rank. The others look now and then: a broadcast would spin.
Turn next_turn(int rank) {
    Turn turn;
    std::string line;
    if (rank == 0 && std::getline(std::cin, line)) {
        std::string memory;
        std::istringstream(line) >> memory >> turn.bytes >> turn.iterations;
        turn.is_allocated = memory == "allocated" ? 1 : 0;
    }
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibcast(&turn, 3, MPI_LONG, 0, MPI_COMM_WORLD, &request);
    for (int is_here = 0; is_here == 0;) {
        MPI_Test(&request, &is_here, MPI_STATUS_IGNORE);
        if (is_here == 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
    return turn;
}

/// Whole numbers that change with the iteration, so that a buffer that was not summed is noticed.
float own_value(int rank, std::size_t index, long iteration) {
    return static_cast<float>((index + static_cast<std::size_t>(iteration) * 7) % 512) +
           static_cast<float>(rank);
}

class Side {
  public:
    Side(int rank, int ranks, std::size_t most)
        : rank_(rank),
          ranks_(ranks),
          reducer_(MPI_COMM_WORLD),
          allocated_(reducer_.allocate<float>(most)),
          own_(most) {}

    void take(const Turn& turn) {
        float* memory = turn.is_allocated == 1 ? allocated_.get() : own_.data();
        const std::span values(memory, static_cast<std::size_t>(turn.bytes) / sizeof(float));
        std::string times;
        long wrong = 0;
        for (long iteration = 0; iteration < turn.iterations; ++iteration) {
            times += (iteration == 0 ? "" : ", ") + std::to_string(time_once(values, iteration));
            wrong += count_wrong(values, iteration);
        }
        MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
        if (rank_ == 0) {
            std::printf("{\"microseconds\": [%s], \"wrong\": %ld}\n", times.c_str(), wrong);
            std::fflush(stdout);
        }
    }

  private:
    /// Microseconds of the slowest rank.
    double time_once(std::span<float> values, long iteration) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = own_value(rank_, i, iteration);
        }
        MPI_Barrier(MPI_COMM_WORLD);
        const auto start = std::chrono::steady_clock::now();
        reducer_.all_reduce(values);
        const std::chrono::duration<double, std::micro> elapsed =
            std::chrono::steady_clock::now() - start;
        double slowest = elapsed.count();
        MPI_Allreduce(MPI_IN_PLACE, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
        return slowest;
    }

    [[nodiscard]] long count_wrong(std::span<const float> sums, long iteration) const {
        long wrong = 0;
        const auto size = static_cast<float>(ranks_);
        const float over_ranks = size * (size - 1) / 2;
        for (std::size_t i = 0; i < sums.size(); ++i) {
            wrong += sums[i] == size * own_value(0, i, iteration) + over_ranks ? 0 : 1;
        }
        return wrong;
    }

    int rank_;
    int ranks_;
    hpml::comm::AllReducer reducer_;
    std::shared_ptr<float[]> allocated_;
    std::vector<float> own_;
};

void serve(std::size_t most_bytes) {
    int rank = 0;
    int ranks = 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    Side side(rank, ranks, most_bytes / sizeof(float));
    for (Turn turn = next_turn(rank); turn.bytes > 0; turn = next_turn(rank)) {
        side.take(turn);
    }
}

}  // namespace

int main(int argc, char** argv) try {
    int threads = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &threads);
    serve(argc > 1 ? std::stoul(argv[1]) : 256UL << 20);
    MPI_Finalize();
} catch (const std::exception& error) {
    std::fprintf(stderr, "turns: error: %s\n", error.what());
    MPI_Abort(MPI_COMM_WORLD, 1);
}
