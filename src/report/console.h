#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/units.h"

namespace hpml {

/// What one line on the console says about a step of training.
struct StepLine {
    std::int64_t step = 0;  ///< steps done
    std::int64_t steps = 0;
    double loss = 0;
    double learning_rate = 0;
    double grad_norm = 0;
    Seconds step_time;             ///< of one step, mean since the last line
    double tokens_per_second = 0;  ///< of all ranks
    int ranks = 1;
    double data_share = 0;           ///< of the step spent waiting for data, 0 to 1
    double communication_share = 0;  ///< of the step spent waiting for the all-reduce, 0 to 1
    std::optional<Seconds> remaining;
    std::optional<Seconds> checkpoint_age;  ///< nothing before the first checkpoint
};

/// "step 120/1000 12.0% | loss 2.3145 | lr 9.8e-05 | gnorm 1.02 | 812 ms | 161k tok/s (40.2k/rank)
/// | data 1% comm 12% | ETA 02:11 | ckpt 3m ago" on one line: ASCII, at most 120 columns. Where it
/// would be longer the rate per rank goes first, then parts from the end.
[[nodiscard]] std::string step_text(const StepLine& line);

/// "9d 02:11", "02:11:09", "11:09".
[[nodiscard]] std::string clock_text(Seconds time);
/// "45s", "3m", "2h", "5d": rounded down.
[[nodiscard]] std::string age_text(Seconds time);
/// "950", "40.2k", "161k", "1.25M": three digits.
[[nodiscard]] std::string count_text(double count);

/// Decides which steps are shown: the first five of a start, so that people see that it works, then
/// one per interval of time, and the last.
class LogPolicy {
  public:
    explicit LogPolicy(Seconds interval) : interval_(interval) {}

    /// @param now  monotonic; @param is_last  of this start
    [[nodiscard]] bool shows(Seconds now, bool is_last);

  private:
    Seconds interval_;
    Seconds last_shown_;
    int shown_ = 0;
};

/// The default time between lines: 30 s, 5 s where a person watches a terminal.
[[nodiscard]] Seconds default_log_interval();

}  // namespace hpml
