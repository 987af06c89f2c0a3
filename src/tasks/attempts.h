#pragma once

#include <filesystem>

#include "base/error.h"
#include "base/log.h"
#include "checkpoint/checkpoint.h"
#include "mpi/communicator.h"

namespace hpml::tasks {

/// Starts from one checkpoint that may die before there is a newer one.
inline constexpr int kMostAttempts = 3;
/// The exit code of a start that will not try once more.
inline constexpr ExitCode kCrashLoop{80};

/// `RUN/attempts.json`: how often a pretraining has been started from one checkpoint without
/// getting to a newer one or to a planned stop. All of it is done by rank 0, which owns the run.
/// (Losing count would be no harm, so the file is only read leniently.)

/// A start from this checkpoint begins. Counted until it gets to a planned end.
void count_attempt(const std::filesystem::path& run, const std::filesystem::path& checkpoint,
                   const mpi::Communicator& ranks);
/// This start has done what it was to do, or was asked to stop.
void forget_attempts(const std::filesystem::path& run, const mpi::Communicator& ranks);

/// Whether a start from `newest` may be made. After kMostAttempts that died, the checkpoint is set
/// aside as `step-N.crashed`, said on `log`: the one before it may be better.
/// @return false if it was set aside, and another is to be chosen
/// @throw Error with kCrashLoop if there is none before it, or the starts from that one died too
[[nodiscard]] bool may_start_from(const std::filesystem::path& run,
                                  const checkpoint::Checkpoint& newest, const Log& log);

}  // namespace hpml::tasks
