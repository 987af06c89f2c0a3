#pragma once

#include <span>
#include <string_view>

#include "base/units.h"

namespace hpml::comm {

/// Where the ranks are: as many on each node.
struct Topology {
    int ranks = 1;
    int nodes = 1;

    [[nodiscard]] int ranks_per_node() const { return ranks / nodes; }
};

/// What an all-reduce costs in the alpha-beta model (Hockney, 1994): a message takes alpha and
/// beta per byte; of messages that leave at once each but the first takes only the sender's
/// overhead (Alexandrov et al., LogGP, 1995). The defaults are of a cluster of today's servers on
/// 25 Gbit/s Ethernet; they decide which algorithm is faster, not how fast it is.
struct CostConstants {
    double network_alpha = 25e-6;       ///< seconds per message between nodes
    double network_beta = 1.0 / 2.9e9;  ///< seconds per byte of a node's link, in each direction
    double message_overhead = 2e-6;     ///< seconds of a rank's core for one more message
    double shared_alpha = 1e-6;         ///< seconds until all ranks of a node have met
    double shared_beta = 1.0 / 25e9;    ///< seconds per byte that a node's ranks read or write
    double sum_beta = 1.0 / 12e9;       ///< seconds per byte that a rank adds to what it has
    int links = 1;                      ///< of a node, used by different ranks at the same time
};

enum class Method { Identity, Shm, Ring, RecursiveDoubling, Hierarchical, TwoShot };

/// As the option `allreduce` calls it; "none" for Identity.
[[nodiscard]] std::string_view name_of(Method method);

/// The seconds of one all-reduce, by what they occupy: of two that are under way, one may wait
/// while the ranks add or copy for the other and its messages fill the links.
struct Cost {
    double latency = 0;  ///< nothing: the others' answers are awaited
    double node = 0;     ///< cores and memory of a node
    double link = 0;     ///< the busiest link between nodes

    [[nodiscard]] double total() const { return latency + node + link; }
};

/// Of a buffer of this size on each rank.
[[nodiscard]] Cost cost_of(Method method, Bytes size, const Topology& topology,
                           const CostConstants& constants = {});

/// Seconds for one all-reduce that is alone.
[[nodiscard]] double predict(Method method, Bytes size, const Topology& topology,
                             const CostConstants& constants = {});

/// The fastest by the model: a pure function of its arguments, so the same on all ranks and in
/// every run.
[[nodiscard]] Method choose(Bytes size, const Topology& topology,
                            const CostConstants& constants = {});
/// Of some methods, of which there must be one; of equals the one that is named first.
[[nodiscard]] Method choose(Bytes size, const Topology& topology, const CostConstants& constants,
                            std::span<const Method> candidates);

}  // namespace hpml::comm
