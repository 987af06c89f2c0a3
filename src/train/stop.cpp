#include "train/stop.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <ctime>

#include "base/clock.h"

namespace hpml::train {

namespace {

// A signal handler can reach nothing but statics; these two are all of them.
std::atomic<int> first_signal{0};
std::atomic<std::int64_t> first_nanoseconds{0};

constexpr std::int64_t kSameSignal = 20'000'000;

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

void install(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (const int signal : {SIGUSR1, SIGTERM}) {
        ::sigaction(signal, &action, nullptr);
    }
}

}  // namespace

StopSignals::StopSignals() {
    first_signal = 0;
    install(on_signal);
}

StopSignals::~StopSignals() { install(SIG_DFL); }

bool StopSignals::requested() const noexcept { return first_signal != 0; }

TimeLimit::TimeLimit(double max_hours) {
    if (max_hours > 0) {
        end_ = now() + Seconds(max_hours * 3600);
        source_ = fmt::format("{:.2f} h (--max-hours)", max_hours);
    }
    if (const char* text = std::getenv("SLURM_JOB_END_TIME")) {
        const double left =
            std::strtod(text, nullptr) - static_cast<double>(std::time(nullptr)) - 60;
        if (left > 0 && (source_.empty() || now() + Seconds(left) < end_)) {
            end_ = now() + Seconds(left);
            source_ = fmt::format("{:.2f} h (SLURM_JOB_END_TIME)", left / 3600);
        }
    }
}

bool TimeLimit::reached() const { return !source_.empty() && now() + reserve() >= end_; }

Seconds TimeLimit::reserve() const {
    return Seconds(2 * slowest_checkpoint_.value + 3 * slowest_step_.value);
}

void TimeLimit::saw_step(Seconds taken) { slowest_step_ = std::max(slowest_step_, taken); }

void TimeLimit::saw_checkpoint(Seconds taken) {
    slowest_checkpoint_ = std::max(slowest_checkpoint_, taken);
}

std::string TimeLimit::explain() const { return source_.empty() ? "none" : source_; }

}  // namespace hpml::train
