#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "apps/hpml_pretrain_options.h"
#include "base/clock.h"
#include "base/log.h"
#include "report/console.h"
#include "report/metrics.h"
#include "report/run_fence.h"
#include "report/status.h"
#include "train/observer.h"

namespace hpml {

/// What the observer has to know of a start.
struct RunStart {
    int ranks = 1;
    std::int64_t generation = 1;
    /// False once a later start owns the run directory: then its files are no longer written.
    std::function<bool()> is_current = [] { return true; };
};

/// Turns what the loop tells into console lines, metrics.jsonl and status.json. Rank 0; a failure
/// to write any of them is warned of once and ends nothing.
class PretrainObserver : public train::Observer {
  public:
    PretrainObserver(const PretrainProgramOptions& options, const Log& log, const RunStart& start);

    void on_start(Step done) override;
    void on_step(const train::StepRecord& record) override;
    void on_validation(const train::ValidationRecord& record) override;
    void on_checkpoint(const train::CheckpointRecord& record) override;
    /// The last word of this start.
    void on_end(RunState state, int exit_code, const std::string& message);

  private:
    void append(const Json& line);
    void write();

    const PretrainProgramOptions& options_;
    const Log& log_;
    RunFence fence_;
    StepConsole console_;
    std::unique_ptr<MetricsLog> metrics_;
    RunStatus status_;
    Stopwatch watch_;
    double seconds_before_ = 0;  ///< of earlier starts
    Seconds last_written_;
    bool has_warned_ = false;
};

}  // namespace hpml
