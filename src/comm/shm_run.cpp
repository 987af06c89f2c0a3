#include "comm/shm_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/error.h"

namespace hpml::comm {

namespace {

std::string describe(std::size_t rank, const ShmNotice& notice) {
    return fmt::format("rank {} of the node brings {} {} ({}) {}", rank, notice.count,
                       name_of(notice.type), name_of(notice.op),
                       notice.window == 0 ? std::string("in memory of its own")
                                          : fmt::format("at byte {} of shared memory {}",
                                                        notice.offset, notice.window));
}

}  // namespace

ShmRun::ShmRun(ShmState& state)
    : inputs_(state.team.size()),
      outputs_(std::max<std::size_t>(2, state.team.size())),
      state_(state) {}

void ShmRun::enqueue(const Buffer& buffer, std::uint64_t window, std::uint64_t offset) {
    buffer_ = buffer;
    window_ = window;
    offset_ = offset;
    sequence_ = ++state_.started;
    seen_ = 0;
    phase_ = Phase::Queued;
    (void)advance();
}

void ShmRun::announce() {
    prepare();
    ShmNotice& notice = team().own().notices[slot()];
    notice.window = window_;
    notice.offset = offset_;
    notice.count = buffer_.count;
    notice.scale = buffer_.scale;
    notice.type = buffer_.type;
    notice.op = buffer_.op;
    notice.examine = buffer_.examine;
    notice.sequence.store(sequence_, std::memory_order_release);
    phase_ = Phase::Waiting;
}

void ShmRun::end() {
    phase_ = Phase::Done;
    state_.ended_of_slot[slot()] = sequence_;
    while (state_.ended_of_slot[(state_.ended + 1) % kShmSlots] == state_.ended + 1) {
        ++state_.ended;
    }
}

bool ShmRun::all_are_here() {
    while (seen_ < team().size()) {
        const ShmNotice& notice = team().lines[seen_]->notices[slot()];
        if (notice.sequence.load(std::memory_order_acquire) < sequence_) {
            return false;
        }
        ++seen_;
    }
    return true;
}

void ShmRun::require_agreement() const {
    const ShmNotice& first = team().lines.front()->notices[slot()];
    for (std::size_t rank = 1; rank < team().size(); ++rank) {
        const ShmNotice& notice = team().lines[rank]->notices[slot()];
        if (!notice.agrees(first)) {
            throw MismatchError(fmt::format(
                "all-reduce {}{}: {}, but {} (the sums would mix different things); nothing was "
                "added (start every rank with the same program, options and files)",
                sequence_, buffer_.name.empty() ? "" : fmt::format(" of '{}'", buffer_.name),
                describe(0, first), describe(rank, notice)));
        }
    }
}

bool ShmRun::advance() {
    if (phase_ == Phase::Queued && sequence_ <= state_.ended + kShmSlots / 2) {
        announce();
    }
    // Agreement in the order of the operations: what follows from it is counted up, alike on every
    // rank.
    if (phase_ == Phase::Waiting && state_.agreed + 1 == sequence_ && all_are_here()) {
        ++state_.agreed;
        phase_ = Phase::Working;
        try {
            require_agreement();
        } catch (...) {
            end();
            throw;
        }
        begin_work();
    }
    if (phase_ == Phase::Working && work()) {
        end();
    }
    return phase_ == Phase::Done;
}

void ShmRun::settle() {
    ++state_.settled;
    team().own().settled.store(state_.settled, std::memory_order_release);
}

bool ShmRun::all_have_settled() const {
    return std::all_of(team().lines.begin(), team().lines.end(), [&](const ShmLine* line) {
        return line->settled.load(std::memory_order_acquire) > turn_;
    });
}

Found ShmRun::found_in_shares() const {
    Found all;
    for (const ShmLine* line : team().lines) {
        all += line->found[slot()];
    }
    return all;
}

Extent ShmRun::share_of(std::size_t rank, std::size_t count) const {
    const std::size_t line = 64 / size_of(buffer_.type);
    const std::size_t lines = (count + line - 1) / line;
    const auto from = [&](std::size_t index) {
        return std::min(count, lines * index / team().size() * line);
    };
    return {from(rank), from(rank + 1) - from(rank)};
}

Extent ShmRun::share() const {
    return share_of(static_cast<std::size_t>(team().rank), buffer_.count);
}

void ShmRun::point_into_window(std::size_t first) {
    const std::size_t at = offset_ + first * size_of(buffer_.type);
    const ShmTeam::Window& window = team().windows[window_ - 1];
    for (std::size_t rank = 0; rank < team().size(); ++rank) {
        outputs_[rank] = window.parts[rank] + at;
        inputs_[rank] = outputs_[rank];
    }
}

Found ShmRun::reduce_in_window(std::size_t first, std::size_t count) {
    point_into_window(first);
    return reduce_to(team().size(), count);
}

void ShmRun::reduce_in_own_window(std::size_t first, std::size_t count) {
    point_into_window(first);
    reduce({.inputs = inputs_.data(),
            .input_count = inputs_.size(),
            .outputs = &outputs_[static_cast<std::size_t>(team().rank)],
            .output_count = 1,
            .count = count,
            .type = buffer_.type,
            .op = without_mean(buffer_.op)});
}

Found ShmRun::reduce_to(std::size_t outputs, std::size_t count) {
    return reduce({.inputs = inputs_.data(),
                   .input_count = inputs_.size(),
                   .outputs = outputs_.data(),
                   .output_count = outputs,
                   .count = count,
                   .type = buffer_.type,
                   .op = buffer_.op,
                   .divisor = divisor_of(buffer_.op, team().size()),
                   .scale = buffer_.scale,
                   .examine = buffer_.examine});
}

}  // namespace hpml::comm
