#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/units.h"

namespace hpml {

/// What one line on the console says about a step of training.
struct StepLine {
    std::int64_t step = 0;   ///< steps done
    std::int64_t steps = 0;  ///< planned; 0: nobody knows
    double loss = 0;
    double learning_rate = 0;
    double grad_norm = 0;
    std::optional<double> grad_norm_score;  ///< in deviations from the last steps' mean
    bool is_skipped = false;                ///< there was no update
    Seconds step_time;                      ///< of one step, mean since the last line
    double tokens_per_second = 0;           ///< of all ranks
    int ranks = 1;
    double data_share = 0;           ///< of the step spent waiting for data, 0 to 1
    double communication_share = 0;  ///< of the step spent waiting for the all-reduce, 0 to 1
    std::optional<double> mfu;       ///< share of the rate of plain matrix products
    std::optional<Seconds> remaining;
    std::optional<Seconds> checkpoint_age;  ///< nothing before the first checkpoint
};

/// "step 120/1000 12.0% | loss 2.3145 | lr 9.8e-05 | gnorm 1.02 | 812 ms | 161k tok/s (40.2k/rank)
/// | data 1% comm 12% | ETA 02:11 | ckpt 3m ago" on one line: ASCII, at most `columns` wide. Where
/// it would be longer the rate per rank goes first, then parts from the end.
[[nodiscard]] std::string step_text(const StepLine& line, std::size_t columns = 120);

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

/// One finished step, as the console wants to know it.
struct StepSample {
    std::int64_t step = 0;                            ///< steps done
    std::int64_t steps = 0;                           ///< planned; 0: nobody knows
    std::optional<Seconds> time_left = std::nullopt;  ///< of a budget of time
    double loss = 0;
    double learning_rate = 0;
    double grad_norm = 0;
    std::optional<double> grad_norm_score = std::nullopt;  ///< of RollingScore
    bool is_skipped = false;                               ///< there was no update
    Seconds seconds;
    Seconds data_wait;
    Seconds comm_wait;
    double tokens = 0;     ///< of all ranks
    double flops = 0;      ///< of all ranks
    double gemm_rate = 0;  ///< operations a second of plain matrix products; 0: not measured
};

/// Shows the steps: plain lines in time (LogPolicy), for the console and the log file; on a
/// terminal instead a single line that is always fresh, while the file still gets the timed lines.
class StepConsole {
  public:
    /// The log outlives this.
    /// @param interval  between the timed lines; 0: 30 s
    StepConsole(const Log& log, Seconds interval, int ranks);

    /// @param now  monotonic
    void add(const StepSample& sample, Seconds now);
    void saw_checkpoint(Seconds now) { last_checkpoint_ = now; }
    /// Of the steps since the last timed line; 0 before the first step.
    [[nodiscard]] double tokens_per_second() const;
    /// No more steps in this start: a terminal's line shall stand.
    void end() const { log_.end_progress(); }

  private:
    [[nodiscard]] StepLine line(const StepSample& sample, Seconds now) const;

    const Log& log_;
    LogPolicy policy_;
    int ranks_;
    std::optional<Seconds> last_checkpoint_;
    Seconds last_drawn_;
    bool is_new_window_ = true;
    // Since the last timed line:
    int steps_ = 0;
    Seconds step_time_;
    Seconds data_wait_;
    Seconds comm_wait_;
    double tokens_ = 0;
    double flops_ = 0;
};

}  // namespace hpml
