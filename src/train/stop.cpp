#include "train/stop.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <csignal>
#include <ctime>
#include <utility>

namespace hpml::train {

namespace {

// A signal handler can reach nothing but statics; these two are all of them.
std::atomic<int> first_signal{0};
std::atomic<std::int64_t> first_nanoseconds{0};

constexpr std::int64_t kSameSignal = 20'000'000;

constexpr std::array kStopSignals = {SIGUSR1, SIGUSR2, SIGTERM};

void on_signal(int signal) {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    const std::int64_t nanoseconds = std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
    int none = 0;
    if (first_signal.compare_exchange_strong(none, signal)) {
        first_nanoseconds = nanoseconds;
    } else if (nanoseconds - first_nanoseconds > kSameSignal) {
        ::_exit(128 + signal);
    }
}

/// "1.50 h", "4 min", "38 s", "0.3 s": rounded to what a reader needs.
std::string duration_text(Seconds time) {
    return time.value >= 3600  ? fmt::format("{:.2f} h", time.value / 3600)
           : time.value >= 120 ? fmt::format("{:.0f} min", std::floor(time.value / 60))
           : time.value >= 10  ? fmt::format("{:.0f} s", std::floor(time.value))
                               : fmt::format("{:.1f} s", time.value);
}

void install(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (const int signal : kStopSignals) {
        ::sigaction(signal, &action, nullptr);
    }
}

}  // namespace

StopSignals::StopSignals() {
    first_signal = 0;
    install(on_signal);
}

StopSignals::~StopSignals() { install(SIG_IGN); }

bool StopSignals::take_back() const noexcept {
    const bool is_lost = std::any_of(kStopSignals.begin(), kStopSignals.end(), [](int signal) {
        struct sigaction found {};
        return ::sigaction(signal, nullptr, &found) == 0 && found.sa_handler != on_signal;
    });
    install(on_signal);
    return is_lost;
}

bool StopSignals::requested() const noexcept { return first_signal != 0; }

TimeLimit::TimeLimit(double max_hours)
    : TimeLimit(max_hours, process_time_sources(AskSqueue::No)) {}

TimeLimit::TimeLimit(double max_hours, TimeSources sources)
    : sources_(std::move(sources)), end_(find_job_end(max_hours, sources_)) {}

bool TimeLimit::reached() const { return end_ && sources_.monotonic() + reserve() >= end_->end; }

Seconds TimeLimit::reserve() const {
    const Seconds checkpoint = slowest_checkpoint_.value_or(expected_checkpoint_);
    return Seconds(2 * checkpoint.value + 3 * slowest_step_.value) + slowest_validation_ +
           (end_ ? end_->margin : Seconds(0));
}

Seconds TimeLimit::warning_lead() const {
    const double seconds =
        60 + slowest_step_.value + slowest_checkpoint_.value_or(expected_checkpoint_).value;
    return Seconds(10 * std::ceil(seconds / 10));
}

void TimeLimit::saw_step(Seconds taken) { slowest_step_ = std::max(slowest_step_, taken); }

void TimeLimit::saw_checkpoint(Seconds taken) {
    slowest_checkpoint_ = std::max(slowest_checkpoint_.value_or(taken), taken);
    last_checkpoint_ = taken;
}

void TimeLimit::saw_validation(Seconds taken) {
    slowest_validation_ = std::max(slowest_validation_, taken);
}

std::string TimeLimit::explain() const {
    return end_ ? fmt::format("{} ({})", duration_text(end_->limit), end_->source) : "none";
}

std::string TimeLimit::stopping_line() const {
    if (!end_) {
        return "stopping: no time limit";
    }
    const Seconds left = std::max(Seconds(0), end_->end - sources_.monotonic());
    return fmt::format("stopping: {} left, {}", duration_text(left),
                       slowest_checkpoint_
                           ? "last checkpoint took " + duration_text(last_checkpoint_)
                           : "no checkpoint has been timed yet");
}

}  // namespace hpml::train
