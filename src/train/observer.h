#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/units.h"
#include "train/pace.h"

namespace hpml::train {

/// One finished optimizer step, as logs and metrics see it.
struct StepRecord {
    Step step;   ///< steps finished, 1 after the first
    Step steps;  ///< steps planned; 0: the run ends by other means
    std::optional<Seconds> time_left = std::nullopt;  ///< of the run's budget of time
    double loss = 0;
    double learning_rate = 0;
    double gradient_norm = 0;  ///< not finite: see is_skipped
    Seconds seconds;           ///< wall time of this step
    double weight = 0;         ///< masked tokens (MLM) or sequences of the global batch
    Tokens tokens;             ///< real tokens of the global batch
    Seconds data_wait;         ///< this rank, this step
    Seconds comm_wait;         ///< this rank, this step: communication that no computation hid
    double flops = 0;          ///< of the global batch, forward and backward
    bool is_skipped = false;   ///< not finite, or fp16 overflowed: there was no update
};

struct ValidationRecord {
    Step step;
    double loss = 0;
    double weight = 0;  ///< masked tokens
    Seconds seconds;
};

struct CheckpointRecord {
    Step step;
    std::filesystem::path folder;
    Bytes bytes;
    Seconds seconds;    ///< from its first byte to its name, beside the training
    Seconds stopped{};  ///< that the training has waited for it
};

/// Who is told what a training loop does. Called on rank 0 only; must not communicate and must not
/// throw.
class Observer {
  public:
    virtual ~Observer() = default;
    /// Before the first step of this start; `done` steps were restored.
    virtual void on_start(Step done) { (void)done; }
    /// What plain matrix products reach on all ranks together, in operations a second.
    virtual void on_gemm_rate(double flops_per_second) { (void)flops_per_second; }
    virtual void on_step(const StepRecord& record) = 0;
    virtual void on_validation(const ValidationRecord& record) = 0;
    /// The run went back to `step`; what was told of later steps no longer holds.
    virtual void on_rollback(Step step) { (void)step; }
    virtual void on_checkpoint(const CheckpointRecord& record) = 0;
    /// Every kStepsOfPace steps, where there are several ranks.
    virtual void on_pace(Step step, const PaceReport& report) = 0;
};

/// For ranks that report nothing.
class SilentObserver : public Observer {
  public:
    void on_start(Step) override {}
    void on_step(const StepRecord&) override {}
    void on_validation(const ValidationRecord&) override {}
    void on_checkpoint(const CheckpointRecord&) override {}
    void on_pace(Step, const PaceReport&) override {}
};

}  // namespace hpml::train
