#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "apps/hpml_finetune_options.h"
#include "base/clock.h"
#include "base/log.h"
#include "report/console.h"
#include "report/metrics.h"
#include "report/run_lock.h"
#include "report/status.h"
#include "train/observer.h"

namespace hpml {

/// Takes the run directory and turns what the loop tells into console lines, metrics.jsonl and
/// status.json. Rank 0; a failure to write any of these is warned of once and ends nothing.
class FinetuneObserver : public train::Observer {
  public:
    /// All outlive this.
    FinetuneObserver(const FinetuneProgramOptions& options, Log& log, int ranks);

    /// Lock the run directory, which exists, and begin its log.txt, config.cfg and status.json.
    /// @throw OutputError if another job holds it
    /// @return which start of this run it is
    std::int64_t take_run(const std::string& effective_config);
    /// Whether no later start has begun.
    [[nodiscard]] bool is_current() const { return !lock_ || lock_->is_current(); }

    void on_start(Step done) override;
    void on_step(const train::StepRecord& record) override;
    void on_validation(const train::ValidationRecord&) override {}
    void on_checkpoint(const train::CheckpointRecord& record) override;
    /// The last word, if the run directory was taken.
    void on_end(RunState state, int exit_code, const std::string& message);

  private:
    void write();

    const FinetuneProgramOptions& options_;
    Log& log_;
    StepConsole console_;
    std::unique_ptr<RunLock> lock_;
    std::unique_ptr<MetricsLog> metrics_;
    RunStatus status_;
    Stopwatch watch_;
    double seconds_before_ = 0;  ///< of the starts that this one goes on from
    Seconds last_written_;
    bool has_warned_ = false;
};

}  // namespace hpml
