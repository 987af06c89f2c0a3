#include "comm/cost_model.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "comm/messages.h"

namespace hpml::comm {

namespace {

/// The share of each buffer that a rank of a ring or a two-shot hands on in one of the two phases.
double share_of(int members) { return static_cast<double>(members - 1) / members; }

/// Within a node every byte is read and written once per rank, shared out over the ranks.
Cost shared_cost(double bytes, const Topology& topology, const CostConstants& constants) {
    if (topology.ranks_per_node() == 1) {
        return {};
    }
    return {2 * constants.shared_alpha, 2 * bytes * constants.shared_beta, 0};
}

/// From one member of a ring to the next.
struct Hop {
    double alpha = 0;
    double beta = 0;     ///< seconds per byte that a member sends
    double segment = 0;  ///< bytes that it sends at a time (RingOptions)
};

/// A message within a node is written by one rank and read by the other.
double message_beta(const CostConstants& constants) { return 2 * constants.shared_beta; }

Hop near_hop(const CostConstants& constants) {
    return {constants.shared_alpha, message_beta(constants), 256.0 * 1024};
}

Hop far_hop(double beta, const CostConstants& constants) {
    return {constants.network_alpha, beta, static_cast<double>(kMessageBetweenNodes.value)};
}

/// Messages and additions of a ring overlap, segment by segment: what is slower counts in the
/// phase that adds, and of the additions themselves only the last segment of each step.
Cost ring_cost(double bytes, int members, const Hop& hop, const CostConstants& constants) {
    const double per_phase = share_of(members) * bytes;
    const double last_segments = (members - 1) * std::min(hop.segment, bytes / members);
    return {2.0 * (members - 1) * hop.alpha, last_segments * constants.sum_beta,
            per_phase * (std::max(hop.beta, constants.sum_beta) + hop.beta)};
}

/// Seconds per byte of each rank when all ranks of a node send to other nodes at the same time.
double far_beta(const Topology& topology, const CostConstants& constants) {
    const int lanes = topology.ranks_per_node();
    return constants.network_beta * lanes / std::min(lanes, constants.links);
}

/// A power of two of ranks pairs up, at the shortest distances within a node. Each round adds when
/// the whole message is there. Beyond the power of two a rank hands in first and is told last.
Cost doubling_cost(double bytes, const Topology& topology, const CostConstants& constants) {
    const auto rounds_of = [](int ranks) { return static_cast<int>(std::floor(std::log2(ranks))); };
    const bool one_node = topology.nodes == 1;
    const int rounds = rounds_of(topology.ranks);
    const bool has_extra = (1 << rounds) != topology.ranks;
    int near = one_node ? rounds : rounds_of(topology.ranks_per_node());
    int far = rounds - near;
    (one_node ? near : far) += has_extra ? 2 : 0;
    const int additions = rounds + (has_extra ? 1 : 0);
    return {near * constants.shared_alpha + far * constants.network_alpha,
            bytes * (near * message_beta(constants) + additions * constants.sum_beta),
            far * bytes * far_beta(topology, constants)};
}

/// Every rank sends to every other at once, adds what it owns in the order of the ranks, and sends
/// the sum to all. A rank's messages to its own node go through memory.
Cost two_shot_cost(double bytes, const Topology& topology, const CostConstants& constants) {
    const int ranks = topology.ranks;
    const int near = topology.ranks_per_node() - 1;
    const int far = ranks - 1 - near;
    const double piece = bytes / ranks;
    const double alpha = far > 0 ? constants.network_alpha : constants.shared_alpha;
    return {2 * (alpha + (ranks - 2) * constants.message_overhead),
            piece * (2 * near * message_beta(constants) + (ranks - 1) * constants.sum_beta),
            2 * far * piece * far_beta(topology, constants)};
}

}  // namespace

std::string_view name_of(Method method) {
    switch (method) {
        case Method::Identity:
            return "none";
        case Method::Shm:
            return "shm";
        case Method::Ring:
            return "ring";
        case Method::RecursiveDoubling:
            return "recursive_doubling";
        case Method::Hierarchical:
            return "hierarchical";
        case Method::TwoShot:
            break;
    }
    return "twoshot";
}

Cost cost_of(Method method, Bytes size, const Topology& topology, const CostConstants& constants) {
    expects(topology.ranks > 0 && topology.nodes > 0, "a rank on a node");
    const auto bytes = static_cast<double>(size.value);
    const bool one_node = topology.nodes == 1;
    if (topology.ranks == 1) {
        return {};
    }
    switch (method) {
        case Method::Identity:
            break;
        case Method::Shm:
            expects(one_node, "shared memory within one node");
            return shared_cost(bytes, topology, constants);
        case Method::Ring: {
            if (one_node) {
                const Cost ring = ring_cost(bytes, topology.ranks, near_hop(constants), constants);
                return {ring.latency, ring.node + ring.link, 0};
            }
            // One rank after the other around the nodes: each link carries one rank's traffic.
            return ring_cost(bytes, topology.ranks, far_hop(constants.network_beta, constants),
                             constants);
        }
        case Method::RecursiveDoubling:
            return doubling_cost(bytes, topology, constants);
        case Method::TwoShot:
            return two_shot_cost(bytes, topology, constants);
        case Method::Hierarchical: {
            // The lanes share the node's links: each takes a ring of its slice around the nodes.
            const Cost shared = shared_cost(bytes, topology, constants);
            if (one_node) {
                return shared;
            }
            const Cost lanes =
                ring_cost(bytes / topology.ranks_per_node(), topology.nodes,
                          far_hop(far_beta(topology, constants), constants), constants);
            return {shared.latency + lanes.latency, shared.node + lanes.node, lanes.link};
        }
    }
    return {};
}

double predict(Method method, Bytes size, const Topology& topology,
               const CostConstants& constants) {
    return cost_of(method, size, topology, constants).total();
}

Method choose(Bytes size, const Topology& topology, const CostConstants& constants) {
    expects(topology.ranks > 0 && topology.nodes > 0, "a rank on a node");
    if (topology.ranks == 1) {
        return Method::Identity;
    }
    if (topology.nodes == 1) {
        return Method::Shm;
    }
    constexpr Method kBetweenNodes[] = {Method::Ring, Method::RecursiveDoubling,
                                        Method::Hierarchical, Method::TwoShot};
    return choose(size, topology, constants, kBetweenNodes);
}

Method choose(Bytes size, const Topology& topology, const CostConstants& constants,
              std::span<const Method> candidates) {
    expects(!candidates.empty(), "a method to choose");
    const auto seconds = [&](Method method) { return predict(method, size, topology, constants); };
    return *std::min_element(candidates.begin(), candidates.end(),
                             [&](Method a, Method b) { return seconds(a) < seconds(b); });
}

}  // namespace hpml::comm
