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

/// The first signal and when it came, in one number, so that whoever sees one sees both.
/// Microseconds of the monotonic clock x 128 + the signal; 0: none came.
using Wish = std::int64_t;
constexpr Wish kSignals = 128;
Wish wish_of(int signal, std::int64_t microseconds) { return microseconds * kSignals + signal; }
int signal_of(Wish wish) { return static_cast<int>(wish % kSignals); }
std::int64_t time_of(Wish wish) { return wish / kSignals; }

// A signal handler can reach nothing but statics; this is all of them.
std::atomic<Wish> first_wish{0};

/// Microseconds within which a further signal tells nothing new.
constexpr std::int64_t kSameSignal = 20'000;
constexpr std::int64_t kSameHangUp = 2'000'000;

struct StopSignal {
    const char* name;
    int number;
    bool is_usual;
};

constexpr std::array kStopSignals = {
    StopSignal{"hup", SIGHUP, true},   StopSignal{"int", SIGINT, false},
    StopSignal{"term", SIGTERM, true}, StopSignal{"usr1", SIGUSR1, true},
    StopSignal{"usr2", SIGUSR2, true}, StopSignal{"xcpu", SIGXCPU, false}};

/// Whether a signal at this time repeats the first one.
bool is_the_same(Wish first, int signal, std::int64_t microseconds) {
    const bool is_repeated = signal == signal_of(first);
    if (is_repeated && signal == SIGXCPU) {
        return true;  // the kernel sends it every second
    }
    const bool is_hang_up = is_repeated && signal == SIGHUP;
    return microseconds - time_of(first) <= (is_hang_up ? kSameHangUp : kSameSignal);
}

void on_signal(int signal) {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    const std::int64_t microseconds = std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
    Wish first = 0;
    if (!first_wish.compare_exchange_strong(first, wish_of(signal, microseconds)) &&
        !is_the_same(first, signal, microseconds)) {
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

void install(const std::vector<int>& signals, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (const int signal : signals) {
        ::sigaction(signal, &action, nullptr);
    }
}

bool is_handled_by(int signal, void (*handler)(int)) {
    struct sigaction found {};
    return ::sigaction(signal, nullptr, &found) == 0 && found.sa_handler == handler;
}

}  // namespace

std::vector<std::string> stop_signal_names() {
    std::vector<std::string> names;
    for (const StopSignal& signal : kStopSignals) {
        names.emplace_back(signal.name);
    }
    return names;
}

std::vector<std::string> usual_stop_signals() {
    std::vector<std::string> names;
    for (const StopSignal& signal : kStopSignals) {
        if (signal.is_usual) {
            names.emplace_back(signal.name);
        }
    }
    return names;
}

StopSignals::StopSignals(const std::vector<std::string>& names) {
    for (const StopSignal& signal : kStopSignals) {
        const bool is_chosen = std::find(names.begin(), names.end(), signal.name) != names.end();
        if (is_chosen && !(signal.number == SIGHUP && is_handled_by(SIGHUP, SIG_IGN))) {
            signals_.push_back(signal.number);
        }
    }
    first_wish = 0;
    install(signals_, on_signal);
}

StopSignals::~StopSignals() { install(signals_, SIG_IGN); }

bool StopSignals::take_back() const noexcept {
    const bool is_lost = std::any_of(signals_.begin(), signals_.end(),
                                     [](int signal) { return !is_handled_by(signal, on_signal); });
    install(signals_, on_signal);
    return is_lost;
}

bool StopSignals::requested() const noexcept { return first_wish != 0; }

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
