#pragma once

#include <ATen/core/Tensor.h>

#include "corpus/manifest.h"
#include "tasks/pretrain.h"
#include "train/replica.h"

namespace hpml::tasks {

/// What a rank's copy of the model is made of; a run that goes on sums as its checkpoint has
/// recorded. Collective.
[[nodiscard]] train::ReplicaOptions replica_options(const PretrainOptions& options,
                                                    const corpus::Manifest& manifest,
                                                    const PretrainContext& context);

/// Type and place of the factors of matrix products as this machine multiplies them: where it has
/// no arithmetic of the precision's own, fp32.
/// @param options  resolved
[[nodiscard]] at::TensorOptions factor_options(const PretrainOptions& options,
                                               const at::Tensor& parameters);

}  // namespace hpml::tasks
