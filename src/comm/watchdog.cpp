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

/// How much longer than in a step is waited for a rank that lives, where work is uneven.
constexpr double kLeniency = 10;

/// A leader sends so many datagrams a second at most.
constexpr std::size_t kNodesPerSecond = 64;

[[noreturn]] void leave_process() { ::_exit(static_cast<int>(ExitCode::Backend)); }

/// Between two reports of a leader.
Seconds report_interval(std::size_t nodes) {
    return Seconds(std::max(1.0, static_cast<double>(nodes) / kNodesPerSecond));
}

/// A node of which nothing has come for so long is cut off: four reports in a row are not lost.
Seconds node_silence(std::size_t nodes) { return Seconds(4.5 * report_interval(nodes).value); }

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
    Line& own = line(on_node_);
    own.rank.store(static_cast<std::uint64_t>(ranks.rank().value));
    recorder_.count_submitted_in(&own.buckets);
    auto attempt = NodeChannel::open(ranks, node);
    channel_ = std::move(attempt.channel);
    obstacle_ = std::move(attempt.obstacle);
    heard_.resize(channel_ ? channel_->nodes().size() : 0, {{}, now()});
    ranks.barrier();
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

Watchdog::Phase::Phase(Watchdog* watchdog, const char* name) : watchdog_(watchdog) {
    if (watchdog_ != nullptr) {
        began_ = now();
        outer_ = watchdog_->phase_.exchange(name);
    }
}

Watchdog::Phase::~Phase() {
    if (watchdog_ != nullptr) {
        watchdog_->phase_.store(outer_);
        if (outer_ == nullptr && watchdog_->step_began_.value > 0) {
            watchdog_->step_began_ = watchdog_->step_began_ + (now() - began_);
        }
    }
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
    phase_.store(nullptr, std::memory_order_relaxed);
    Line& own = line(on_node_);
    own.buckets.store(0, std::memory_order_relaxed);
    own.step.store(step.value, std::memory_order_relaxed);
}

void Watchdog::enter(const char* what) noexcept {
    if (++depth_ > 1) {
        return;
    }
    Line& own = line(on_node_);
    const std::uint64_t number = own.waits.load(std::memory_order_relaxed) + 1;
    waits_since_.store(now().value, std::memory_order_relaxed);
    own.waits.store(number, std::memory_order_release);
    what_.store(what, std::memory_order_release);
    recorder_.note(FlightRecorder::Event::Enter, number,
                   static_cast<std::uint64_t>(own.step.load(std::memory_order_relaxed)));
}

void Watchdog::leave() noexcept {
    if (--depth_ > 0) {
        return;
    }
    what_.store(nullptr, std::memory_order_release);
    const Line& own = line(on_node_);
    recorder_.note(FlightRecorder::Event::Leave, own.waits.load(std::memory_order_relaxed),
                   static_cast<std::uint64_t>(own.step.load(std::memory_order_relaxed)));
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
        for (Heard& one : heard_) {
            one.at = time;
        }
    }
    for (int rank = 0; board_ && rank < node_size_; ++rank) {
        Seen& seen = seen_[static_cast<std::size_t>(rank)];
        const std::uint64_t beats = line(rank).beats.load(std::memory_order_relaxed);
        if (beats != seen.beats || seen.since.value == 0) {
            seen = {beats, time};
        }
    }
    if (channel_ && on_node_ == 0) {
        exchange(time);
    }
    const std::uint64_t number = line(on_node_).waits.load(std::memory_order_acquire);
    if (what_.load(std::memory_order_acquire) == nullptr) {
        return;
    }
    const Seconds waited = time - Seconds(waits_since_.load(std::memory_order_relaxed));
    if (waited < options_.warn_after && waited < options_.timeout) {
        return;
    }
    const auto behind = laggards(time);
    if (options_.timeout.value > 0 && waited > limit(behind)) {
        end_job(behind, waited);
    } else if (warned_of_ != number && is_time_to_warn(behind, waited)) {
        warned_of_ = number;
        if (speaks(behind, time)) {
            options_.warn(tell(behind, waited) +
                          (options_.timeout.value > 0
                               ? fmt::format("; the job ends after {:.0f} s (--timeout-seconds)",
                                             limit(behind).value)
                               : ""));
        }
    }
}

/// Hear the other nodes, tell them of this one, and the ranks of this one of those that are lost.
void Watchdog::exchange(Seconds time) {
    channel_->receive([&](std::size_t node, const NodeReport& report) {
        heard_[node] = {report, time};
    });
    const std::size_t nodes = heard_.size();
    if (time - told_ >= report_interval(nodes)) {
        told_ = time;
        channel_->send(own_report(time));
    }
    Line& own = line(on_node_);
    double longest = 0;
    for (std::size_t node = 0; node < nodes; ++node) {
        const Seconds silent = time - heard_[node].at;
        if (node != channel_->own() && silent > node_silence(nodes) && silent.value > longest) {
            longest = silent.value;
            own.lost_leader.store(channel_->nodes()[node].leader, std::memory_order_relaxed);
        }
    }
    own.lost.store(longest, std::memory_order_release);
}

RankState Watchdog::state_of(int on_node, Seconds time) const {
    const Line& other = line(on_node);
    const Seconds silent = time - seen_[static_cast<std::size_t>(on_node)].since;
    RankState state;
    state.rank = static_cast<std::uint32_t>(other.rank.load(std::memory_order_relaxed));
    state.waits = other.waits.load(std::memory_order_acquire);
    state.buckets = static_cast<std::uint32_t>(other.buckets.load(std::memory_order_relaxed));
    state.step = other.step.load(std::memory_order_relaxed);
    state.silent_seconds = on_node != on_node_ && silent > kSilence ? silent.value : 0;
    return state;
}

NodeReport Watchdog::own_report(Seconds time) const {
    std::vector<RankState> states;
    NodeReport report;
    for (int rank = 0; rank < (board_ ? node_size_ : 1); ++rank) {
        states.push_back(state_of(rank, time));
        report.most_waits = std::max(report.most_waits, states.back().waits);
    }
    std::sort(states.begin(), states.end(), [](const RankState& a, const RankState& b) {
        return a.silent_seconds != b.silent_seconds ? a.silent_seconds > b.silent_seconds
                                                    : a.waits < b.waits;
    });
    report.told = static_cast<std::uint32_t>(std::min(states.size(), NodeReport::kMost));
    std::copy_n(states.begin(), report.told, report.behind.begin());
    return report;
}

std::vector<Laggard> Watchdog::laggards(Seconds time) const {
    std::vector<Laggard> behind;
    const std::uint64_t mine = line(on_node_).waits.load(std::memory_order_acquire);
    for (int rank = 0; board_ && rank < node_size_; ++rank) {
        const RankState state = state_of(rank, time);
        if (state.silent_seconds > 0 || state.waits < mine) {
            behind.push_back({state, rank, "", false});
        }
    }
    if (channel_) {
        add_other_nodes(time, behind);
    }
    return behind;
}

void Watchdog::add_other_nodes(Seconds time, std::vector<Laggard>& behind) const {
    if (on_node_ != 0) {
        // Only the leader hears of other nodes. It has written down that one is lost.
        const Line& leader = line(0);
        const double lost = leader.lost.load(std::memory_order_acquire);
        if (board_ && lost > 0 && state_of(0, time).silent_seconds == 0) {
            const auto rank = static_cast<std::uint32_t>(leader.lost_leader.load());
            behind.push_back({{.rank = rank, .silent_seconds = lost}, -1, "", true});
        }
        return;
    }
    const std::uint64_t mine = line(0).waits.load(std::memory_order_acquire);
    const Seconds began(waits_since_.load(std::memory_order_relaxed));
    for (std::size_t node = 0; node < heard_.size(); ++node) {
        const Heard& heard = heard_[node];
        const auto& [leader, host] = channel_->nodes()[node];
        const Seconds silent = time - heard.at;
        if (node == channel_->own()) {
            continue;
        }
        if (silent > node_silence(heard_.size())) {
            behind.push_back({{.rank = leader, .silent_seconds = silent.value}, -1, host, true});
        }
        // What was said before this wait began is no news of who has come to it.
        for (std::size_t i = 0; i < heard.report.told && heard.at > began; ++i) {
            const RankState& state = heard.report.behind[i];
            if (silent <= node_silence(heard_.size()) &&
                (state.silent_seconds > 0 || state.waits < mine)) {
                behind.push_back({state, -1, host, false});
            }
        }
    }
}

std::string Watchdog::tell(const std::vector<Laggard>& behind, Seconds waited) const {
    const char* what = what_.load();
    const char* phase = phase_.load();
    const RankState own = state_of(on_node_, now());
    const std::string where = phase == kStart ? phase
                              : phase != nullptr
                                  ? fmt::format("{} after step {}", phase, own.step + 1)
                                  : fmt::format("step {}", own.step + 1);
    const bool sees_all = board_ && (node_size_ == ranks_ || (channel_ && on_node_ == 0));
    return describe(behind, {fmt::format("{} {} {}", what == nullptr ? "other ranks" : what,
                                         phase != nullptr ? "in" : "of", where),
                             own, waited, sees_all});
}

Seconds Watchdog::limit(const std::vector<Laggard>& behind) const {
    const Seconds timeout = options_.timeout;
    if (std::any_of(behind.begin(), behind.end(),
                    [](const Laggard& one) { return one.is_silent(); })) {
        return timeout;
    }
    const double longest = longest_step_.load(std::memory_order_relaxed);
    return phase_.load() == nullptr && longest > 0 ? Seconds(std::max(timeout.value, 5 * longest))
                                                   : Seconds(kLeniency * timeout.value);
}

bool Watchdog::is_time_to_warn(const std::vector<Laggard>& behind, Seconds waited) const {
    const bool silent = std::any_of(behind.begin(), behind.end(),
                                    [](const Laggard& one) { return one.is_silent(); });
    const double leniency = phase_.load() != nullptr && !silent ? kLeniency : 1;
    return waited.value > leniency * options_.warn_after.value;
}

bool Watchdog::speaks(const std::vector<Laggard>& behind, Seconds time) const {
    for (int rank = 0; rank < on_node_; ++rank) {
        const bool lags = std::any_of(behind.begin(), behind.end(),
                                      [rank](const Laggard& one) { return one.on_node == rank; });
        if (!lags) {
            return false;  // that one speaks
        }
    }
    if (!channel_ || on_node_ != 0) {
        return true;
    }
    const std::uint64_t mine = line(0).waits.load(std::memory_order_acquire);
    for (std::size_t node = 0; node < channel_->own(); ++node) {
        const Heard& heard = heard_[node];
        if (time - heard.at <= node_silence(heard_.size()) && heard.report.most_waits >= mine) {
            return false;  // one of that node does
        }
    }
    return true;
}

void Watchdog::end_job(const std::vector<Laggard>& behind, Seconds waited) {
    const bool is_speaker = speaks(behind, now());
    if (is_speaker) {
        options_.fail(tell(behind, waited) + "; the job ends, and its next start resumes");
    }
    try {
        if (!options_.folder.empty()) {
            recorder_.dump(options_.folder /
                           fmt::format("flight-rank-{}.jsonl", line(on_node_).rank.load()));
        }
    } catch (const std::exception& failure) {
        options_.warn(fmt::format("no flight record: {}", failure.what()));
    }
    // The launcher kills the others as soon as one has left: they get the time to write theirs. The
    // speaker may have begun to wait later than this rank, and its words must not be lost.
    std::this_thread::sleep_for(std::chrono::milliseconds(is_speaker ? 2000 : 6000));
    options_.leave();
}

}  // namespace hpml::comm
