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

/// Put a verified checkpoint's weights, optimizer state and counters into the replica of every
/// rank: rank 0 reads, the others receive. Collective.
/// @return the number of steps done
/// @throw InputError, the same on every rank
Step restore(train::Replica& replica, const std::filesystem::path& folder,
             const mpi::Communicator& ranks);

}  // namespace hpml::tasks
