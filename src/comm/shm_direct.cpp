#include <algorithm>
#include <numeric>

#include "comm/shm_run.h"

namespace hpml::comm {

namespace {

/// Shorter chunks cost more in waiting for each other than a second rank's help is worth.
constexpr std::size_t kShortestChunk = 8 * 1024;

}  // namespace

void ShmDirect::begin(const Buffer& buffer, std::size_t window, std::size_t offset) {
    // Every rank gets a part of a short buffer, and two of a longer one, so that a rank that comes
    // late does not hold up the others.
    const std::size_t fair = buffer.size().value / (2 * team().size());
    const std::size_t wanted = std::min(std::max(fair, kShortestChunk), state().chunk);
    const std::size_t least = buffer.size().value / kMostShmChunks + 64;
    chunk_ = std::max(wanted, least) / 64 * 64 / size_of(buffer.type);
    chunks_ = (buffer.count + chunk_ - 1) / chunk_;
    enqueue(buffer, window + 1, offset);
}

void ShmDirect::begin_work() {
    first_chunk_ = state().next_chunk;
    state().next_chunk += chunks_;
    finished_at_ = state().chunks_of_slot[slot()] += chunks_;
}

bool ShmDirect::work() {
    SharedCounter& next = team().board->next_chunk;
    SharedCounter& finished = team().board->finished[slot()].chunks;
    std::uint64_t claimed = next.load(std::memory_order_relaxed);
    // Below the first chunk: chunks of the operation before this one are still to be taken.
    if (claimed >= first_chunk_ && claimed < first_chunk_ + chunks_ &&
        next.compare_exchange_strong(claimed, claimed + 1, std::memory_order_relaxed)) {
        const std::size_t first = (claimed - first_chunk_) * chunk_;
        team().board->found[slot()][claimed - first_chunk_] =
            reduce_in_window(first, std::min(chunk_, buffer().count - first));
        finished.fetch_add(1, std::memory_order_acq_rel);
    }
    if (finished.load(std::memory_order_acquire) < finished_at_) {
        return false;
    }
    // In the order of the chunks, whoever reduced them.
    set_found(std::accumulate(team().board->found[slot()], team().board->found[slot()] + chunks_,
                              Found{}, [](Found sum, const Found& one) { return sum += one; }));
    return true;
}

void ShmShared::begin_work() {
    take_turn();
    has_settled_ = false;
    const Extent mine = share();
    own_found() = reduce_in_window(mine.begin, mine.count);
}

bool ShmShared::work() {
    if (!has_settled_ && has_turn()) {
        settle();
        has_settled_ = true;
    }
    if (!has_settled_ || !all_have_settled()) {
        return false;
    }
    set_found(found_in_shares());
    return true;
}

}  // namespace hpml::comm
