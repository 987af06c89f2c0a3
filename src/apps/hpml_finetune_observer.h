#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "apps/hpml_finetune_options.h"
#include "apps/hpml_training_observer.h"
#include "report/run_lock.h"

namespace hpml {

/// Takes the run directory and reports the fine-tuning in it.
class FinetuneObserver : public TrainingObserver {
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
    void on_validation(const train::ValidationRecord&) override {}
    void on_checkpoint(const train::CheckpointRecord& record) override;
    /// The last word, if this start has begun to write.
    void conclude(RunState state, const std::string& message);

  private:
    [[nodiscard]] Json details(const train::StepRecord& record) const override;

    const FinetuneProgramOptions& options_;
    Log& file_log_;
    std::unique_ptr<RunLock> lock_;
};

}  // namespace hpml
