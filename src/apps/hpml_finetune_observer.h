#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "apps/hpml_finetune_options.h"
#include "base/clock.h"
#include "base/log.h"
#include "report/console.h"
#include "report/metrics.h"
#include "report/run_fence.h"
#include "report/run_lock.h"
#include "report/status.h"
#include "train/observer.h"

namespace hpml {

/// Takes the run directory and turns what the loop tells into console lines, metrics.jsonl and
/// status.json. Rank 0; a failure to write any of these is warned of once and ends nothing. Once a
/// later start owns the run directory, they are no longer written.
class FinetuneObserver : public train::Observer {
  public:
    /// All outlive this.
    FinetuneObserver(const FinetuneProgramOptions& options, Log& log, int ranks);

    /// Lock the run directory, which exists.
    /// @throw OutputError if another job holds it
    /// @return which start of this run it is
    std::int64_t take_run();
    /// Begin log.txt, config.cfg and status.json in the run directory that was taken.
    void begin(const std::string& effective_config);
    /// Whether no later start has begun.
    [[nodiscard]] bool is_current() const { return !lock_ || lock_->is_current(); }

    void on_start(Step done) override;
    void on_step(const train::StepRecord& record) override;
    void on_validation(const train::ValidationRecord&) override {}
    void on_checkpoint(const train::CheckpointRecord& record) override;
    /// The last word, if this start has begun to write.
    void on_end(RunState state, int exit_code, const std::string& message);

  private:
    void append(const Json& line);
    void write();

    const FinetuneProgramOptions& options_;
    Log& log_;
    StepConsole console_;
    std::unique_ptr<RunLock> lock_;
    std::unique_ptr<RunFence> fence_;  ///< null: nothing is written yet
    std::unique_ptr<MetricsLog> metrics_;
    RunStatus status_;
    Stopwatch watch_;
    double seconds_before_ = 0;  ///< of the starts that this one goes on from
    Seconds last_written_;
    bool has_warned_ = false;
};

}  // namespace hpml
