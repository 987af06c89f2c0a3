#pragma once

#include <string>

namespace hpml {

enum class JobState { Ended, Present, Unknown };

/// What Slurm's queue says of a job: Ended if squeue knows it no longer or calls it over, Unknown
/// without squeue, without an answer within ten seconds, or for an id that is not Slurm's.
/// Starts a process.
[[nodiscard]] JobState job_state(const std::string& job);

}  // namespace hpml
