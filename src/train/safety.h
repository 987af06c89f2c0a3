#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "base/error.h"
#include "base/units.h"
#include "mpi/communicator.h"

namespace hpml::train {

using ReplicaError = CodedError<ExitCode::Replicas>;  ///< the ranks' parameters differ

/// What a run does about a loss or gradient that is not finite. All ranks see it in the same sums,
/// before the update, so all do the same.
enum class NonFinitePolicy {
    Stop,      ///< end with exit 77, the weights as they were
    Skip,      ///< leave this update out and go on
    RollBack,  ///< go back to the newest checkpoint, and on with data that comes after this step's
};

struct SafetyOptions {
    NonFinitePolicy on_non_finite = NonFinitePolicy::Stop;
    std::int64_t max_skipped = 5;             ///< updates in a row; one more stops the run
    std::int64_t max_rollbacks = 3;           ///< in one start; one more stops the run
    std::int64_t check_replicas_every = 100;  ///< steps; 0: never
};

/// Compare a hash of the parameters over the ranks: memory faults, missed sums and optimizers that
/// are not deterministic show there, and nowhere else. Collective.
/// @param parameters  flat, on any device
/// @throw ReplicaError on every rank, naming those that differ from most
void require_equal_replicas(const at::Tensor& parameters, const mpi::Communicator& ranks,
                            Step step);

}  // namespace hpml::train
