#pragma once

#include "mpi/communicator.h"

namespace hpml::comm {

/// How many nodes the ranks are on. Collective.
/// @param node  the ranks of `ranks` on this rank's node
[[nodiscard]] int count_nodes(const mpi::Communicator& ranks, const mpi::Communicator& node);

}  // namespace hpml::comm
