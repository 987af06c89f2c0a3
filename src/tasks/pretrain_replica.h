#pragma once

#include "corpus/manifest.h"
#include "tasks/pretrain.h"
#include "train/replica.h"

namespace hpml::tasks {

/// What a rank's copy of the model is made of; a run that goes on sums as its checkpoint has
/// recorded. Collective.
[[nodiscard]] train::ReplicaOptions replica_options(const PretrainOptions& options,
                                                    const corpus::Manifest& manifest,
                                                    const PretrainContext& context);

}  // namespace hpml::tasks
