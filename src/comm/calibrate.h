#pragma once

#include "base/units.h"
#include "comm/cost_model.h"
#include "mpi/communicator.h"

namespace hpml::comm {

/// What was measured, the same on every rank; what cannot be measured where the ranks are keeps the
/// default of CostConstants.
struct Calibration {
    Topology topology;
    CostConstants constants;
    bool has_network = false;  ///< the ranks are on several nodes
    bool has_node = false;     ///< ranks share a node, and its memory
};

/// Measure the constants of the cost model. Collective.
///
/// One rank of each of the first eight nodes takes part in a ring: short buffers give the network's
/// alpha, the slope over longer and longer ones its beta. Many short messages that leave at once
/// give the overhead of one. The ranks of a node sum short and long buffers in its memory. Each
/// constant is of the slowest rank.
/// @param node    the ranks of `ranks` on this rank's node
/// @param budget  about how long it may take; making connections comes on top
/// @throw BackendError
[[nodiscard]] Calibration calibrate(const mpi::Communicator& ranks, const mpi::Communicator& node,
                                    Seconds budget);

}  // namespace hpml::comm
