#include "train/operator_profile.h"

#include <ATen/record_function.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "base/error.h"

namespace hpml::train {

namespace {

struct Sums {
    std::int64_t calls = 0;
    double total = 0;
    double inner = 0;  ///< of what it calls
};

// LibTorch's callbacks are plain functions and reach nothing but statics; these are all of them.
std::mutex sums_mutex;
std::map<std::string, Sums> sums_by_name;

struct Frame : at::ObserverContext {
    Stopwatch watch;
    double inner = 0;
    Frame* caller = nullptr;
};

thread_local Frame* innermost = nullptr;

std::unique_ptr<at::ObserverContext> on_begin(const at::RecordFunction&) {
    auto frame = std::make_unique<Frame>();
    frame->caller = innermost;
    innermost = frame.get();
    return frame;
}

void on_end(const at::RecordFunction& function, at::ObserverContext* context) {
    auto* const frame = static_cast<Frame*>(context);
    const double total = frame->watch.elapsed().value;
    innermost = frame->caller;
    if (innermost != nullptr) {
        innermost->inner += total;
    }
    const std::lock_guard lock(sums_mutex);
    Sums& sums = sums_by_name[function.name()];
    ++sums.calls;
    sums.total += total;
    sums.inner += frame->inner;
}

std::string line(const std::string& name, std::int64_t calls, double self, double seconds) {
    return fmt::format("\n  {:<44} {:>8} {:>10.1f} {:>6.1f}%", name.substr(0, 44), calls,
                       self * 1e3, seconds > 0 ? 100 * self / seconds : 0);
}

}  // namespace

OperatorProfile::OperatorProfile() {
    {
        const std::lock_guard lock(sums_mutex);
        sums_by_name.clear();
    }
    callback_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(on_begin, on_end)
            .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
}

OperatorProfile::~OperatorProfile() {
    if (is_running_) {
        at::removeCallback(callback_);
    }
}

std::vector<OperatorTime> OperatorProfile::finish() {
    expects(is_running_, "a profile that is finished once");
    at::removeCallback(callback_);
    is_running_ = false;
    std::vector<OperatorTime> times;
    const std::lock_guard lock(sums_mutex);
    for (const auto& [name, sums] : sums_by_name) {
        times.push_back({name, sums.calls, sums.total, sums.total - sums.inner});
    }
    std::ranges::stable_sort(times, std::ranges::greater(), &OperatorTime::self_seconds);
    return times;
}

std::string to_text(const std::vector<OperatorTime>& times, double seconds, std::size_t most) {
    std::string text =
        fmt::format("  {:<44} {:>8} {:>10} {:>7}", "operator", "calls", "self ms", "share");
    OperatorTime rest;
    double all = 0;
    for (std::size_t i = 0; i < times.size(); ++i) {
        all += times[i].self_seconds;
        if (i < most) {
            text += line(times[i].name, times[i].calls, times[i].self_seconds, seconds);
        } else {
            rest.calls += times[i].calls;
            rest.self_seconds += times[i].self_seconds;
        }
    }
    if (rest.calls > 0) {
        text += line(fmt::format("{} others", times.size() - most), rest.calls, rest.self_seconds,
                     seconds);
    }
    return text + line("outside of operators", 0, std::max(0.0, seconds - all), seconds);
}

void ProfileWindow::before_step() {
    if (steps_ > 0 && seen_ == kWarmUp) {
        profile_ = std::make_unique<OperatorProfile>();
    }
}

void ProfileWindow::after_step(Seconds taken) {
    ++seen_;
    if (!profile_) {
        return;
    }
    time_ += taken;
    if (seen_ == kWarmUp + steps_) {
        const auto times = profile_->finish();
        profile_.reset();
        log_.info("profile of {} steps, {:.3f} s, on rank 0:\n{}", steps_, time_.value,
                  to_text(times, time_.value, kMostLines));
    }
}

}  // namespace hpml::train
