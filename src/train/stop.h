#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "train/job_time.h"

namespace hpml::train {

/// The signals that can be chosen, as words: "hup", "int", "term", "usr1", "usr2", "xcpu".
[[nodiscard]] std::vector<std::string> stop_signal_names();
/// What batch systems and launchers send before they end a job, and what the end of a terminal
/// sends: usr1 and usr2 (which mpirun and srun pass on to the ranks), hup, term.
[[nodiscard]] std::vector<std::string> usual_stop_signals();

/// Signals that mean "finish the step, save, leave with exit 0". The handler only sets a flag; the
/// flag travels with the control all-reduce of the next step. A second signal, later than 20 ms
/// after the first (one kill can arrive by two ways; a terminal that ends sends SIGHUP from the
/// shell and from the kernel, so two of them have 2 s; the kernel repeats SIGXCPU each second,
/// which never counts as a second), leaves at once with exit code 128 + signal and saves nothing.
/// At the end they are ignored: nothing is left to save. A SIGHUP that is ignored already stays so:
/// nohup asked for it. To be made before MPI starts, so that no warning kills a job that is still
/// starting; one at a time.
class StopSignals {
  public:
    /// @param names  of stop_signal_names(); the others keep their effect
    explicit StopSignals(const std::vector<std::string>& names = usual_stop_signals());
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;
    StopSignals(StopSignals&&) = delete;
    StopSignals& operator=(StopSignals&&) = delete;

    [[nodiscard]] bool requested() const noexcept;
    /// Take the signals back from a library that caught them for itself; NCCL once did.
    /// @return whether one had
    bool take_back() const noexcept;

  private:
    std::vector<int> signals_;
};

/// When this job must end, and how long before it must stop to be able to save. Asked on rank 0
/// only; its answer is everybody's.
class TimeLimit {
  public:
    /// @param max_hours  of this job from now; 0: none
    /// Beside it SLURM_JOB_END_TIME counts, where the batch system sets it. Starts no process.
    explicit TimeLimit(double max_hours);
    /// Beside it counts what `sources` know, squeue too. To be made on rank 0 only.
    TimeLimit(double max_hours, TimeSources sources);

    /// Whether another step might not leave enough time to save.
    [[nodiscard]] bool reached() const;
    void saw_step(Seconds taken);
    void saw_checkpoint(Seconds taken);
    void saw_validation(Seconds taken);
    /// A guess, which counts until the first checkpoint has been timed.
    void expect_checkpoint(Seconds guess) { expected_checkpoint_ = guess; }

    /// "2.00 h (--max-hours)" or "none".
    [[nodiscard]] std::string explain() const;
    /// "stopping: 4 min left, last checkpoint took 38 s".
    [[nodiscard]] std::string stopping_line() const;
    /// How long before its end a batch system has to warn this job: one step, one checkpoint, and
    /// the minute by which it may be early; in whole tens of seconds.
    [[nodiscard]] Seconds warning_lead() const;
    /// What reached() keeps free: twice the slowest checkpoint, three of the slowest steps, the
    /// slowest validation (one may come before the next look at the clock) and the limit's own
    /// margin.
    [[nodiscard]] Seconds reserve() const;

  private:
    TimeSources sources_;
    std::optional<JobEnd> end_;
    Seconds slowest_step_;
    Seconds slowest_validation_;
    Seconds expected_checkpoint_;
    std::optional<Seconds> slowest_checkpoint_;
    Seconds last_checkpoint_;
};

}  // namespace hpml::train
