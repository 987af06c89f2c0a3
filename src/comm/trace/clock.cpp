#include "comm/trace/clock.h"

#include <mpi.h>

#include <chrono>
#include <limits>
#include <span>

#include "mpi/check.h"

namespace hpml::comm {

namespace {

constexpr int kRounds = 16;
constexpr int kTag = 7;

void answer(const mpi::Communicator& ranks, int asker, std::int64_t shift) {
    for (int round = 0; round < kRounds; ++round) {
        mpi::check(MPI_Recv(nullptr, 0, MPI_BYTE, asker, kTag, ranks.get(), MPI_STATUS_IGNORE));
        const std::int64_t time = TraceClock::now() + shift;
        mpi::check(MPI_Send(&time, 1, MPI_INT64_T, asker, kTag, ranks.get()));
    }
}

/// @return what is to be added to this rank's time to get rank 0's
std::int64_t ask(const mpi::Communicator& ranks, std::int64_t shift) {
    std::int64_t offset = 0;
    std::int64_t shortest = std::numeric_limits<std::int64_t>::max();
    for (int round = 0; round < kRounds; ++round) {
        const std::int64_t asked = TraceClock::now() + shift;
        std::int64_t theirs = 0;
        mpi::check(MPI_Send(nullptr, 0, MPI_BYTE, 0, kTag, ranks.get()));
        mpi::check(MPI_Recv(&theirs, 1, MPI_INT64_T, 0, kTag, ranks.get(), MPI_STATUS_IGNORE));
        const std::int64_t answered = TraceClock::now() + shift;
        if (answered - asked < shortest) {
            shortest = answered - asked;
            offset = theirs - (asked + shortest / 2);
        }
    }
    return offset;
}

}  // namespace

std::int64_t TraceClock::now() noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

TraceClock agree_on_clock(const mpi::Communicator& ranks, const mpi::Communicator& node,
                          std::int64_t shift) {
    if (ranks.size() == 1) {
        return {-TraceClock::now()};
    }
    const auto is_first = ranks.all_gather(node.is_root() ? "first" : "");
    std::int64_t to_rank_0 = 0;
    for (int rank = 1; rank < ranks.size(); ++rank) {
        if (is_first[static_cast<std::size_t>(rank)].empty()) {
            continue;
        }
        if (ranks.is_root()) {
            answer(ranks, rank, shift);
        } else if (ranks.rank().value == rank) {
            to_rank_0 = ask(ranks, shift);
        }
    }
    node.broadcast(std::as_writable_bytes(std::span(&to_rank_0, 1)));
    std::int64_t begin = TraceClock::now() + shift;
    ranks.broadcast(std::as_writable_bytes(std::span(&begin, 1)));
    return {shift + to_rank_0 - begin};
}

}  // namespace hpml::comm
