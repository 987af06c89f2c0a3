#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "report/console.h"
#include "report/events.h"
#include "report/metrics.h"
#include "report/rolling_score.h"
#include "report/run_fence.h"
#include "report/status.h"
#include "train/observer.h"

namespace hpml {

/// Turns what a training loop tells into console lines, metrics.jsonl and status.json. Rank 0; a
/// failure to write any of these is warned of once and ends nothing. Once a later start owns the
/// run directory, they are no longer written.
class TrainingObserver : public train::Observer {
  public:
    void on_step(const train::StepRecord& record) override;
    void on_gemm_rate(double flops_per_second) override;
    void on_rollback(Step step) override;
    void on_checkpoint(const train::CheckpointRecord& record) override;
    void on_pace(Step step, const train::PaceReport& report) override;
    /// The last word of this start, if it has begun to write.
    void on_end(RunState state, int exit_code, const std::string& message);

  protected:
    /// @param log  outlives this
    TrainingObserver(const std::string& program, std::filesystem::path run, const Log& log,
                     Seconds log_every, int ranks);

    /// From here on this start writes into the run directory, for as long as it is the current one.
    /// Figures of earlier starts in status.json are carried on.
    void begin_writing(std::int64_t generation, std::function<bool()> is_current);
    /// Begin metrics.jsonl anew, or go on after the line of step `done`.
    void open_metrics(Step done);
    /// What earlier starts left is not of this run.
    void forget_earlier_starts();
    /// Whether no later start owns the run directory, asked now.
    [[nodiscard]] bool may_write_now() { return fence_ && fence_->is_open_now(); }

    void append(const Json& line);
    /// For TensorBoard.
    void show(Step step, const std::vector<Scalar>& scalars);
    void write();

    [[nodiscard]] const std::filesystem::path& run() const { return run_; }
    [[nodiscard]] const Log& log() const { return log_; }
    [[nodiscard]] RunStatus& status() { return status_; }
    [[nodiscard]] StepConsole& console() { return console_; }

  private:
    /// Keys of a step's line that only this program knows.
    [[nodiscard]] virtual Json details(const train::StepRecord& record) const = 0;
    [[nodiscard]] bool may_write() { return fence_ && fence_->is_open(); }
    /// The step's line. @return like rate(), nothing for a step without an update
    std::optional<double> append_step(const train::StepRecord& record);
    /// Set loss and gradient norm beside those of the steps before, into the step's line; a jump
    /// of the loss is warned of. @return the gradient norm's score
    std::optional<double> rate(const train::StepRecord& record, Json& line);
    /// The same again for the steps that metrics.jsonl holds already.
    void recall_scores();

    std::filesystem::path run_;
    const Log& log_;
    StepConsole console_;
    std::optional<RunFence> fence_;  ///< none: nothing is written yet
    std::unique_ptr<MetricsLog> metrics_;
    std::unique_ptr<EventsLog> events_;
    RunStatus status_;
    Stopwatch watch_;
    double seconds_before_ = 0;  ///< of the starts that this one goes on from
    Seconds last_written_;
    bool has_warned_ = false;
    double gemm_rate_ = 0;  ///< 0: not measured
    RollingScore gradient_norms_;
    RollingScore losses_;
    std::optional<Rank> slowest_before_;  ///< the rank that lagged in the last report
    std::optional<Rank> laggard_;         ///< the rank that was warned of last
};

}  // namespace hpml
