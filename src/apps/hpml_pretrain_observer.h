#pragma once

#include <cstdint>
#include <functional>

#include "apps/hpml_pretrain_options.h"
#include "apps/hpml_training_observer.h"

namespace hpml {

/// What the observer has to know of a start.
struct RunStart {
    int ranks = 1;
    std::int64_t generation = 1;
    /// False once a later start owns the run directory: then its files are no longer written.
    std::function<bool()> is_current = [] { return true; };
};

/// Reports a pretraining run, whose directory is taken already.
class PretrainObserver : public TrainingObserver {
  public:
    PretrainObserver(const PretrainProgramOptions& options, const Log& log, const RunStart& start);

    void on_start(Step done) override;
    void on_validation(const train::ValidationRecord& record) override;

  private:
    [[nodiscard]] Json details(const train::StepRecord& record) const override;
};

}  // namespace hpml
