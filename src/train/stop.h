#pragma once

#include <string>

#include "base/units.h"

namespace hpml::train {

/// Signals that mean "finish the step, save, leave with exit 0": SIGUSR1 (which mpirun and srun
/// pass on to the ranks) and SIGTERM. The handler only sets a flag; the flag travels with the
/// control all-reduce of the next step. A second signal, later than 20 ms after the first (one kill
/// can arrive by two ways), leaves at once with exit code 128 + signal and saves nothing.
class StopSignals {
  public:
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;
    StopSignals(StopSignals&&) = delete;
    StopSignals& operator=(StopSignals&&) = delete;

    [[nodiscard]] bool requested() const noexcept;
};

/// When this job must end. Asked on rank 0 only; its answer is everybody's.
class TimeLimit {
  public:
    /// @param max_hours  of this job from now; 0: none
    /// Beside it SLURM_JOB_END_TIME counts, where the batch system sets it, with a minute to spare.
    explicit TimeLimit(double max_hours);

    /// Whether another step might not leave enough time to save.
    [[nodiscard]] bool reached() const;
    void saw_step(Seconds taken);
    void saw_checkpoint(Seconds taken);
    /// "2.0 h (--max-hours)" or "none".
    [[nodiscard]] std::string explain() const;
    /// What reached() keeps free: twice the slowest checkpoint and three of the slowest steps.
    [[nodiscard]] Seconds reserve() const;

  private:
    Seconds end_{0};
    std::string source_;
    Seconds slowest_step_{0};
    Seconds slowest_checkpoint_{0};
};

}  // namespace hpml::train
