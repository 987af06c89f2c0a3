#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"

namespace hpml::train {

/// Whom a job asks for its time; a test answers by itself.
struct TimeSources {
    std::function<Seconds()> monotonic;
    std::function<Seconds()> since_epoch;
    /// An environment variable's value; empty if it is not set.
    std::function<std::string(const std::string& name)> variable;
    /// What `squeue -h -j JOB -o %L` prints; empty without an answer. May be empty itself: then
    /// nobody asks.
    std::function<std::string(const std::string& job)> squeue_time_left;
};

enum class AskSqueue { No, Yes };

/// Those of this process. squeue gets five seconds for its answer; where it fails there is none.
[[nodiscard]] TimeSources process_time_sources(AskSqueue ask);

/// "D-HH:MM:SS", "HH:MM:SS", "MM:SS" (squeue's %L). Nothing for UNLIMITED, INVALID, NOT_SET and all
/// else.
[[nodiscard]] std::optional<Seconds> parse_time_left(std::string_view text);

/// An end that somebody has set for this job.
struct JobEnd {
    Seconds end;  ///< of the monotonic clock
    /// Kept free before it. A batch system is not punctual, and its warning may come a minute
    /// early.
    Seconds margin;
    std::string source;  ///< "--max-hours", "SLURM_JOB_END_TIME", "squeue"
    Seconds limit;       ///< from when it was asked to the end
};

/// The end of all known ones whose margin begins first; nothing without any. --max-hours counts
/// from now with a margin of 5 % and at most a minute, SLURM_JOB_END_TIME with a minute, and, where
/// that variable is not set, squeue's answer for SLURM_JOB_ID likewise. A variable that names a
/// time in the past is left over from another job and does not count.
[[nodiscard]] std::optional<JobEnd> find_job_end(double max_hours, const TimeSources& sources);

}  // namespace hpml::train
