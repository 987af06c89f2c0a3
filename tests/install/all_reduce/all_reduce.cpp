// Sums a vector of its own and a buffer of the library's over all ranks, and checks the sums.
#include <hpml/comm.h>

#include <cstdio>
#include <numeric>
#include <vector>

static int wrong_sums(std::span<const double> sums, int ranks) {
    int wrong = 0;
    for (double i = 0; const double sum : sums) {
        wrong += sum != ranks * (i++ + (ranks - 1) / 2.0);
    }
    return wrong;
}

static int sum_and_check(int rank, int ranks) {
    hpml::comm::AllReducer reducer(MPI_COMM_WORLD);
    std::vector<double> own(100003);
    std::iota(own.begin(), own.end(), rank);  // rank r gives r, r + 1, r + 2, ...
    reducer.all_reduce(std::span(own));

    const auto memory = reducer.allocate<double>(1 << 20);  // summed in place: the fastest way
    const std::span<double> gradients(memory.get(), 1 << 20);
    std::iota(gradients.begin(), gradients.end(), rank);
    reducer.submit(gradients.first(1 << 19));  // buckets that travel while the program computes
    reducer.submit(gradients.subspan(1 << 19));
    reducer.wait_all();
    return wrong_sums(own, ranks) + wrong_sums(gradients, ranks);
}

int main(int argc, char** argv) try {
    int threads = 0, rank = 0, ranks = 1;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &threads);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    const int wrong = sum_and_check(rank, ranks);
    std::printf("rank %d of %d: %d wrong sums\n", rank, ranks, wrong);
    MPI_Finalize();
    return wrong == 0 ? 0 : 1;
} catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    MPI_Abort(MPI_COMM_WORLD, 1);
}
