#include "report/console.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace hpml {

namespace {

constexpr std::size_t kColumns = 120;
constexpr int kFirstSteps = 5;
constexpr Seconds kDefaultInterval{30};
/// A terminal's line changes no faster than an eye follows and a slow connection carries.
constexpr Seconds kRedrawInterval{0.2};

std::string step_time_text(Seconds time) {
    const double milliseconds = time.value * 1e3;
    return milliseconds < 10      ? fmt::format("{:.2f} ms", milliseconds)
           : milliseconds < 10000 ? fmt::format("{:.0f} ms", milliseconds)
                                  : fmt::format("{:.1f} s", time.value);
}

std::string joined(const std::vector<std::string>& parts) {
    return fmt::format("{}", fmt::join(parts, " | "));
}

int percent(double share) { return static_cast<int>(std::lround(share * 100)); }

/// The place of the rate among the parts of a line.
constexpr std::size_t kSpeedPart = 5;

}  // namespace

std::string count_text(double count) {
    const char* const suffixes[] = {"", "k", "M", "G", "T"};
    int index = 0;
    while (count >= 999.5 && index < 4) {
        count /= 1000;
        ++index;
    }
    const int digits = index == 0 || count >= 99.95 ? 0 : count >= 9.995 ? 1 : 2;
    return fmt::format("{:.{}f}{}", count, digits, suffixes[index]);
}

std::string clock_text(Seconds time) {
    if (!std::isfinite(time.value) || time.value < 0 || time.value > 1e10) {
        return "unknown";
    }
    const auto total = static_cast<std::int64_t>(time.value);
    const auto days = total / 86400;
    const auto hours = total / 3600 % 24;
    const auto minutes = total / 60 % 60;
    if (days > 0) {
        return fmt::format("{}d {:02}:{:02}", days, hours, minutes);
    }
    return hours > 0 ? fmt::format("{:02}:{:02}:{:02}", hours, minutes, total % 60)
                     : fmt::format("{:02}:{:02}", minutes, total % 60);
}

std::string age_text(Seconds time) {
    const auto total = static_cast<std::int64_t>(std::max(0.0, time.value));
    return total < 60      ? fmt::format("{}s", total)
           : total < 3600  ? fmt::format("{}m", total / 60)
           : total < 86400 ? fmt::format("{}h", total / 3600)
                           : fmt::format("{}d", total / 86400);
}

std::string step_text(const StepLine& line, std::size_t columns) {
    const double done =
        line.steps > 0 ? 100.0 * static_cast<double>(line.step) / static_cast<double>(line.steps)
                       : 0;
    const std::string speed = count_text(line.tokens_per_second) + " tok/s";
    std::vector<std::string> parts = {
        line.steps > 0 ? fmt::format("step {}/{} {:.1f}%", line.step, line.steps, done)
                       : fmt::format("step {}", line.step),
        fmt::format("loss {:.4f}", line.loss),
        fmt::format("lr {:.1e}", line.learning_rate),
        line.is_skipped
            ? "no update"
            : fmt::format("gnorm {:.3g}", line.grad_norm) +
                  (line.grad_norm_score ? fmt::format(" ({:+.1f}z)", *line.grad_norm_score) : ""),
        step_time_text(line.step_time),
        speed + fmt::format(" ({}/rank)", count_text(line.tokens_per_second / line.ranks)),
        fmt::format("data {}% comm {}%", percent(line.data_share),
                    percent(line.communication_share))};
    if (line.mfu) {
        parts.insert(parts.begin() + kSpeedPart + 1, fmt::format("MFU {}%", percent(*line.mfu)));
    }
    if (line.remaining) {
        parts.push_back("ETA " + clock_text(*line.remaining));
    }
    if (line.checkpoint_age) {
        parts.push_back("ckpt " + age_text(*line.checkpoint_age) + " ago");
    }
    if (line.ranks == 1 || joined(parts).size() > columns) {
        parts[kSpeedPart] = speed;
    }
    while (parts.size() > 1 && joined(parts).size() > columns) {
        parts.pop_back();
    }
    return joined(parts);
}

bool LogPolicy::shows(Seconds now, bool is_last) {
    if (shown_ >= kFirstSteps && !is_last && now - last_shown_ < interval_) {
        return false;
    }
    ++shown_;
    last_shown_ = now;
    return true;
}

StepConsole::StepConsole(const Log& log, Seconds interval, int ranks)
    : log_(log), policy_(interval > Seconds(0) ? interval : kDefaultInterval), ranks_(ranks) {}

void StepConsole::add(const StepSample& sample, Seconds now) {
    if (is_new_window_) {
        is_new_window_ = false;
        steps_ = 0;
        step_time_ = data_wait_ = comm_wait_ = Seconds(0);
        tokens_ = 0;
        flops_ = 0;
    }
    ++steps_;
    step_time_ += sample.seconds;
    data_wait_ += sample.data_wait;
    comm_wait_ += sample.comm_wait;
    tokens_ += sample.tokens;
    flops_ += sample.flops;
    const bool rewrites = log_.style().rewrites;
    const bool is_last = sample.step == sample.steps;
    is_new_window_ = policy_.shows(now, is_last);
    if (is_new_window_ && !rewrites) {
        log_.progress(step_text(line(sample, now)), Keep::Yes);
    } else if (is_new_window_ || (rewrites && now - last_drawn_ >= kRedrawInterval)) {
        // The last column stays free: some terminals wrap a line that fills it.
        const auto width = static_cast<std::size_t>(std::max(log_.style().columns() - 1, 1));
        log_.progress(step_text(line(sample, now), std::min(width, kColumns)),
                      is_new_window_ ? Keep::Yes : Keep::No);
        last_drawn_ = now;
    }
    if (is_last) {
        end();
    }
}

StepLine StepConsole::line(const StepSample& sample, Seconds now) const {
    const double time = step_time_.value;
    StepLine line;
    line.step = sample.step;
    line.steps = sample.steps;
    line.loss = sample.loss;
    line.learning_rate = sample.learning_rate;
    line.grad_norm = sample.grad_norm;
    line.grad_norm_score = sample.grad_norm_score;
    line.is_skipped = sample.is_skipped;
    line.step_time = Seconds(time / steps_);
    line.tokens_per_second = tokens_per_second();
    line.ranks = ranks_;
    if (sample.gemm_rate > 0 && time > 0) {
        line.mfu = flops_ / time / sample.gemm_rate;
    }
    line.data_share = time > 0 ? data_wait_.value / time : 0;
    line.communication_share = time > 0 ? comm_wait_.value / time : 0;
    if (sample.steps > 0) {
        line.remaining =
            Seconds(line.step_time.value * static_cast<double>(sample.steps - sample.step));
    }
    if (sample.time_left) {
        line.remaining = std::min(*sample.time_left, line.remaining.value_or(*sample.time_left));
    }
    if (last_checkpoint_) {
        line.checkpoint_age = now - *last_checkpoint_;
    }
    return line;
}

double StepConsole::tokens_per_second() const {
    return step_time_ > Seconds(0) ? tokens_ / step_time_.value : 0;
}

}  // namespace hpml
