#include "comm/cost_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"

namespace hpml::comm {

namespace {

/// Within a node every byte is read and written once per rank, shared out over the ranks.
double shared_seconds(double bytes, const Topology& topology, const CostConstants& constants) {
    return topology.ranks_per_node() == 1
               ? 0
               : 2 * constants.shared_alpha + 2 * bytes * constants.shared_beta;
}

double ring_seconds(double bytes, int members, double alpha, double beta) {
    return 2.0 * (members - 1) * alpha + 2.0 * (members - 1) / members * bytes * beta;
}

/// A power of two of ranks pairs up, at the shortest distances within a node. Beyond it all ranks
/// of a node share its link.
double doubling_seconds(double bytes, const Topology& topology, const CostConstants& constants) {
    const auto rounds_of = [](int ranks) { return static_cast<int>(std::floor(std::log2(ranks))); };
    const int rounds = rounds_of(topology.ranks);
    const int within = topology.nodes == 1 ? rounds : rounds_of(topology.ranks_per_node());
    const int extra = (1 << rounds) == topology.ranks ? 0 : 2;
    const double near = constants.shared_alpha + bytes * constants.shared_beta;
    const double far =
        constants.network_alpha + bytes * topology.ranks_per_node() * constants.network_beta;
    return within * near + (rounds - within) * far + extra * (topology.nodes == 1 ? near : far);
}

}  // namespace

double predict(Method method, Bytes size, const Topology& topology,
               const CostConstants& constants) {
    const auto bytes = static_cast<double>(size.value);
    const bool one_node = topology.nodes == 1;
    const double alpha = one_node ? constants.shared_alpha : constants.network_alpha;
    const double beta = one_node ? constants.shared_beta : constants.network_beta;
    switch (method) {
        case Method::Identity:
            return 0;
        case Method::Shm:
            expects(one_node, "shared memory within one node");
            return shared_seconds(bytes, topology, constants);
        case Method::Ring:
            // One rank after the other around the nodes: each link carries one rank's traffic.
            return ring_seconds(bytes, topology.ranks, alpha, beta);
        case Method::RecursiveDoubling:
            return doubling_seconds(bytes, topology, constants);
        case Method::Hierarchical:
            break;
    }
    // The lanes share the node's link: together they carry the whole buffer's ring.
    return shared_seconds(bytes, topology, constants) +
           ring_seconds(bytes, topology.nodes, alpha, beta);
}

Method choose(Bytes size, const Topology& topology, const CostConstants& constants) {
    expects(topology.ranks > 0 && topology.nodes > 0, "a rank on a node");
    if (topology.ranks == 1) {
        return Method::Identity;
    }
    if (topology.nodes == 1) {
        return Method::Shm;
    }
    Method best = Method::Ring;
    for (const Method method : {Method::RecursiveDoubling, Method::Hierarchical}) {
        if (predict(method, size, topology, constants) < predict(best, size, topology, constants)) {
            best = method;
        }
    }
    return best;
}

}  // namespace hpml::comm
