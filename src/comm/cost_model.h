#pragma once

#include "base/units.h"

namespace hpml::comm {

/// Where the ranks are: as many on each node.
struct Topology {
    int ranks = 1;
    int nodes = 1;

    [[nodiscard]] int ranks_per_node() const { return ranks / nodes; }
};

/// What an all-reduce costs in the alpha-beta model (Hockney, 1994): a message takes alpha and
/// beta per byte. The defaults are of a cluster of today's servers on 25 Gbit/s Ethernet; they
/// decide which algorithm is faster, not how fast it is.
struct CostConstants {
    double network_alpha = 25e-6;       ///< seconds per message between nodes
    double network_beta = 1.0 / 2.9e9;  ///< seconds per byte of a node's link
    double shared_alpha = 1e-6;         ///< seconds until all ranks of a node have met
    double shared_beta = 1.0 / 25e9;    ///< seconds per byte that a node's ranks read or write
};

enum class Method { Identity, Shm, Ring, RecursiveDoubling, Hierarchical };

/// Seconds for one all-reduce of a buffer of this size on each rank.
[[nodiscard]] double predict(Method method, Bytes size, const Topology& topology,
                             const CostConstants& constants = {});

/// The fastest by the model: a pure function of its arguments, so the same on all ranks and in
/// every run.
[[nodiscard]] Method choose(Bytes size, const Topology& topology,
                            const CostConstants& constants = {});

}  // namespace hpml::comm
