#pragma once

#include <vector>

#include "checkpoint/file_image.h"
#include "mpi/communicator.h"
#include "optim/optimizer.h"

namespace hpml::tasks {

/// The optimizer's state as a checkpoint holds it; with a shard, this rank's pieces.
[[nodiscard]] std::vector<checkpoint::TensorPart> state_parts(optim::Optimizer& optimizer);

/// For writing: where the state is sharded every rank also has to know of the tensors of which it
/// holds nothing, for they have their places in the file too. Collective.
[[nodiscard]] std::vector<checkpoint::TensorPart> state_parts_for_file(
    optim::Optimizer& optimizer, const mpi::Communicator& ranks);

}  // namespace hpml::tasks
