#pragma once

#include <filesystem>

#include "checkpoint/checkpoint.h"
#include "mpi/communicator.h"
#include "tasks/glue.h"
#include "tasks/glue_start.h"
#include "tasks/glue_training.h"
#include "train/replica.h"

namespace hpml::tasks {

/// The model as a folder that Hugging Face loads.
[[nodiscard]] checkpoint::Contents tuned_model(train::Replica& replica, Step step,
                                               const GlueOptions& options, const GlueStart& start);

/// The whole state between two steps: the model's folder, the optimizer's state and the counters.
[[nodiscard]] checkpoint::Contents tuning_state(train::Replica& replica,
                                                const FineTuneProgress& progress,
                                                const GlueOptions& options, const GlueStart& start);

/// Put a verified checkpoint into the replica of every rank. Collective.
/// @throw InputError, the same on every rank
[[nodiscard]] FineTuneProgress resume_tuning(train::Replica& replica,
                                             const std::filesystem::path& folder,
                                             const mpi::Communicator& ranks);

}  // namespace hpml::tasks
