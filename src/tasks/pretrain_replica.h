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

/// Floating-point operations a second that all ranks together reach in plain matrix products of
/// the run's precision, all of them multiplying at the same time, as in a training. Collective.
/// @param options  resolved
[[nodiscard]] double measure_gemm_rate(const PretrainOptions& options, train::Replica& replica,
                                       const mpi::Communicator& ranks);

}  // namespace hpml::tasks
