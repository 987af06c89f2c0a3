#include "comm/watchdog.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "base/clock.h"
#include "base/error.h"

namespace hpml::comm {

namespace {

/// Between two looks; also how often a rank beats.
constexpr std::chrono::milliseconds kBeat{100};

/// A thread that has not beaten for so long does not run.
constexpr Seconds kSilence{2.0};

[[noreturn]] void leave_process() { ::_exit(static_cast<int>(ExitCode::Backend)); }

}  // namespace

Watchdog::Watchdog(const mpi::Communicator& ranks, const mpi::Communicator& node,
                   WatchdogOptions options)
    : options_(std::move(options)),
      ranks_(ranks.size()),
      on_node_(node.rank().value),
      node_size_(node.size()),
      seen_(static_cast<std::size_t>(node.size())) {
    if (!options_.leave) {
        options_.leave = leave_process;
    }
    if (ranks.size() == 1) {
        return;  // nobody to wait for
    }
    // Without shared memory a hang is still seen, only not who is behind.
    board_ = NodeMemory::share(node, Bytes(sizeof(Line))).memory;
    line(on_node_).rank.store(static_cast<std::uint64_t>(ranks.rank().value));
    node.barrier();
    thread_ = std::thread([this] { watch(); });
}

Watchdog::~Watchdog() {
    if (!thread_.joinable()) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    stop_changed_.notify_one();
    thread_.join();
}

Watchdog::Line& Watchdog::line(int on_node) const {
    // Zeroed memory holds the object already.
    return board_ ? *std::launder(reinterpret_cast<Line*>(board_->part(on_node)))
                  : const_cast<Line&>(own_without_board_);
}

void Watchdog::set_step(Step step) noexcept {
    const Seconds time = now();
    if (step_began_.value > 0) {
        const double took = (time - step_began_).value;
        longest_step_.store(std::max(took, longest_step_.load(std::memory_order_relaxed)),
                            std::memory_order_relaxed);
    }
    step_began_ = time;
    step_.store(step.value, std::memory_order_relaxed);
}

bool Watchdog::is_over(const std::vector<Laggard>& behind, Seconds waited) const {
    const bool silent = std::any_of(behind.begin(), behind.end(),
                                    [](const Laggard& one) { return one.silent.value > 0; });
    const double longest = longest_step_.load(std::memory_order_relaxed);
    const double of_the_living =
        longest > 0 ? std::max(options_.timeout.value, 5 * longest) : 10 * options_.timeout.value;
    return options_.timeout.value > 0 &&
           waited.value > (silent ? options_.timeout.value : of_the_living);
}

void Watchdog::enter(const char* what) {
    Line& own = line(on_node_);
    const std::uint64_t number = own.entered.load(std::memory_order_relaxed) + 1;
    waits_since_.store(now().value, std::memory_order_relaxed);
    own.entered.store(number, std::memory_order_release);
    what_.store(what, std::memory_order_release);
    recorder_.note(FlightRecorder::Event::Enter, number,
                   static_cast<std::uint64_t>(step_.load(std::memory_order_relaxed)));
}

void Watchdog::leave() {
    what_.store(nullptr, std::memory_order_release);
    recorder_.note(FlightRecorder::Event::Leave,
                   line(on_node_).entered.load(std::memory_order_relaxed),
                   static_cast<std::uint64_t>(step_.load(std::memory_order_relaxed)));
}

void Watchdog::watch() {
    std::unique_lock lock(mutex_);
    while (!stop_changed_.wait_for(lock, kBeat, [this] { return stop_; })) {
        line(on_node_).beats.fetch_add(1, std::memory_order_relaxed);
        look(now());
    }
}

void Watchdog::look(Seconds time) {
    // This process was stopped itself: what it missed says nothing of the others.
    const Seconds gap = last_look_.value > 0 ? time - last_look_ : Seconds(0);
    last_look_ = time;
    if (gap > kSilence) {
        waits_since_.store(time.value, std::memory_order_relaxed);
        std::fill(seen_.begin(), seen_.end(), Seen{});
    }
    for (int rank = 0; board_ && rank < node_size_; ++rank) {
        Seen& seen = seen_[static_cast<std::size_t>(rank)];
        const std::uint64_t beats = line(rank).beats.load(std::memory_order_relaxed);
        if (beats != seen.beats || seen.since.value == 0) {
            seen = {beats, time};
        }
    }
    const std::uint64_t number = line(on_node_).entered.load(std::memory_order_acquire);
    if (what_.load(std::memory_order_acquire) == nullptr) {
        return;
    }
    const Seconds waited = time - Seconds(waits_since_.load(std::memory_order_relaxed));
    if (waited < options_.warn_after && waited < options_.timeout) {
        return;
    }
    const auto behind = laggards(time);
    if (is_over(behind, waited)) {
        end_job(behind, waited);
    } else if (waited > options_.warn_after && warned_of_ != number) {
        warned_of_ = number;
        if (speaks(behind)) {
            options_.warn(describe(behind, waited) +
                          (options_.timeout.value > 0
                               ? fmt::format("; the job ends after {:.0f} s (--timeout-seconds)",
                                             options_.timeout.value)
                               : ""));
        }
    }
}

std::vector<Watchdog::Laggard> Watchdog::laggards(Seconds time) const {
    std::vector<Laggard> behind;
    const std::uint64_t mine = line(on_node_).entered.load(std::memory_order_acquire);
    for (int rank = 0; board_ && rank < node_size_; ++rank) {
        const Line& other = line(rank);
        const Seconds silent = time - seen_[static_cast<std::size_t>(rank)].since;
        const bool is_silent = rank != on_node_ && silent > kSilence;
        if (is_silent || other.entered.load(std::memory_order_acquire) < mine) {
            behind.push_back({other.rank.load(), rank, is_silent ? silent : Seconds(0)});
        }
    }
    return behind;
}

std::string Watchdog::describe(const std::vector<Laggard>& behind, Seconds waited) const {
    const char* what = what_.load();
    std::string text = fmt::format(
        "waiting for {} of step {} for {:.1f} s: ", what == nullptr ? "other ranks" : what,
        step_.load() + 1, waited.value);
    if (behind.empty()) {
        return text + (board_ && node_size_ == ranks_
                           ? "no rank is behind (the network?)"
                           : "no rank of this node is behind, but one of another node");
    }
    for (std::size_t i = 0; i < behind.size(); ++i) {
        text += fmt::format("{}rank {} {}", i == 0 ? "" : ", ", behind[i].rank,
                            behind[i].silent.value > 0
                                ? fmt::format("shows no sign of life since {:.1f} s (stopped, "
                                              "swapped out or dead)",
                                              behind[i].silent.value)
                                : "has not come there");
    }
    return text;
}

bool Watchdog::speaks(const std::vector<Laggard>& behind) const {
    for (int rank = 0; rank < on_node_; ++rank) {
        const bool lags = std::any_of(behind.begin(), behind.end(),
                                      [rank](const Laggard& one) { return one.on_node == rank; });
        if (!lags) {
            return false;  // that one speaks
        }
    }
    return true;
}

void Watchdog::end_job(const std::vector<Laggard>& behind, Seconds waited) {
    if (speaks(behind)) {
        options_.fail(describe(behind, waited) + "; the job ends, and its next start resumes");
    }
    try {
        if (!options_.folder.empty()) {
            recorder_.dump(options_.folder /
                           fmt::format("flight-rank-{}.jsonl", line(on_node_).rank.load()));
        }
    } catch (const std::exception& failure) {
        options_.warn(fmt::format("no flight record: {}", failure.what()));
    }
    // The launcher kills the others as soon as one has left: they get the time to write theirs.
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    options_.leave();
}

}  // namespace hpml::comm
