#include <algorithm>

#include "comm/shm_run.h"

namespace hpml::comm {

void ShmStaged::begin(const Buffer& buffer) {
    // Four pieces at least, so that the ranks copy and reduce at the same time.
    constexpr std::size_t kShortestPiece = 64 * 1024;
    const std::size_t bytes =
        std::clamp(buffer.size().value / 4, kShortestPiece, ShmTeam::kPieceSize) / 64 * 64;
    piece_ = bytes / size_of(buffer.type);
    pieces_ = (buffer.count + piece_ - 1) / piece_;
    filled_ = reduced_ = emptied_ = 0;
    has_staging_ = false;
    enqueue(buffer, 0, 0);
}

void ShmStaged::begin_work() { staging_turn_ = state().staged_started++; }

bool ShmStaged::work() {
    if (!has_staging_) {
        // The staging memory is this operation's when the one before it has ended.
        if (state().staged_ended != staging_turn_) {
            return false;
        }
        has_staging_ = true;
        own_found() = {};
        first_piece_ = state().next_piece;
        state().next_piece += pieces_;
    }
    // The oldest piece first, so that its staging memory is soon free again.
    while (empty() || reduce_slice() || fill()) {
    }
    if (emptied_ < pieces_) {
        return false;
    }
    ++state().staged_ended;
    set_found(found_in_shares());
    return true;
}

Extent ShmStaged::piece(std::uint64_t index) const {
    const std::size_t begin = index * piece_;
    return {begin, std::min(piece_, buffer().count - begin)};
}

Extent ShmStaged::slice(const Extent& piece, std::size_t rank) const {
    const Extent share = share_of(rank, piece.count);
    return {piece.begin + share.begin, share.count};
}

std::byte* ShmStaged::staged(std::size_t rank, std::uint64_t index, std::size_t element) const {
    const std::size_t half = (first_piece_ + index) % 2;
    return team().staging[rank] + half * ShmTeam::kPieceSize +
           (element - index * piece_) * size_of(buffer().type);
}

bool ShmStaged::all_reached(SharedCounter ShmLine::*counter, std::uint64_t piece) const {
    for (const ShmLine* line : team().lines) {
        if ((line->*counter).load(std::memory_order_acquire) < piece) {
            return false;
        }
    }
    return true;
}

bool ShmStaged::fill() {
    const std::uint64_t number = first_piece_ + filled_;
    // The half holds the piece before the last one, which all must have copied out.
    if (filled_ == pieces_ || (number >= 2 && !all_reached(&ShmLine::emptied, number - 1))) {
        return false;
    }
    const Extent whole = piece(filled_);
    const auto own = static_cast<std::size_t>(team().rank);
    for (std::size_t rank = 0; rank < team().size(); ++rank) {
        const Extent part = slice(whole, rank);
        if (rank != own && part.count > 0) {
            const Buffer from = buffer().part(part.begin, part.count);
            std::copy_n(from.data, from.size().value, staged(own, filled_, part.begin));
        }
    }
    ++filled_;
    team().own().filled.store(number + 1, std::memory_order_release);
    return true;
}

bool ShmStaged::reduce_slice() {
    const std::uint64_t number = first_piece_ + reduced_;
    if (reduced_ == filled_ || !all_reached(&ShmLine::filled, number + 1)) {
        return false;
    }
    const auto own = static_cast<std::size_t>(team().rank);
    const Extent part = slice(piece(reduced_), own);
    if (part.count > 0) {
        for (std::size_t rank = 0; rank < team().size(); ++rank) {
            inputs_[rank] = staged(rank, reduced_, part.begin);
        }
        outputs_[0] = buffer().part(part.begin, part.count).data;
        outputs_[1] = staged(own, reduced_, part.begin);
        inputs_[own] = outputs_[0];
        own_found() += reduce_to(2, part.count);
    }
    ++reduced_;
    team().own().reduced.store(number + 1, std::memory_order_release);
    return true;
}

bool ShmStaged::empty() {
    const std::uint64_t number = first_piece_ + emptied_;
    if (emptied_ == reduced_ || !all_reached(&ShmLine::reduced, number + 1)) {
        return false;
    }
    const Extent whole = piece(emptied_);
    for (std::size_t rank = 0; rank < team().size(); ++rank) {
        const Extent part = slice(whole, rank);
        if (rank != static_cast<std::size_t>(team().rank) && part.count > 0) {
            const Buffer to = buffer().part(part.begin, part.count);
            std::copy_n(staged(rank, emptied_, part.begin), to.size().value, to.data);
        }
    }
    ++emptied_;
    team().own().emptied.store(number + 1, std::memory_order_release);
    return true;
}

}  // namespace hpml::comm
