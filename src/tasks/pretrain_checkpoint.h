#pragma once

#include <filesystem>
#include <string>

#include "checkpoint/checkpoint.h"
#include "corpus/manifest.h"
#include "tasks/pretrain.h"
#include "train/replica.h"

namespace hpml::tasks {

/// The whole state of a pretraining after `step` steps, as a checkpoint holds it.
[[nodiscard]] checkpoint::Contents checkpoint_contents(train::Replica& replica, Step step,
                                                       const PretrainOptions& options,
                                                       const corpus::Manifest& manifest);

/// Put a checkpoint's weights, optimizer state and counters into the replica of every rank: rank 0
/// verifies and reads, the others receive. Collective.
/// @return the number of steps done
/// @throw InputError, MismatchError, the same on every rank
Step restore(train::Replica& replica, const std::filesystem::path& folder,
             const PretrainOptions& options, const corpus::Manifest& manifest,
             const mpi::Communicator& ranks);

/// Where to go on: by --resume, the checkpoint folder to restore, or empty to begin at step 0.
/// Collective.
/// @throw UsageError for `never` in a run directory that is not empty
[[nodiscard]] std::filesystem::path choose_resume_point(const PretrainOptions& options,
                                                        const mpi::Communicator& ranks,
                                                        const Log& log);

}  // namespace hpml::tasks
