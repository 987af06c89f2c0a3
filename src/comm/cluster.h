#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "comm/cost_model.h"

namespace hpml::comm {

/// What a rank computes in a step. Either what was measured with one micro-batch, or a rate from
/// which that follows.
struct ComputeRate {
    double forward_seconds = 0;
    double backward_seconds = 0;
    double update_seconds = 0;    ///< the optimizer, once a step
    double flops_per_second = 0;  ///< 0: the seconds are given
};

/// A cluster that need not be here, as a file describes it:
///
///     {"name": "...", "ranks_per_node": 8,
///      "network": {"latency_seconds": 2.5e-5, "bytes_per_second": 2.9e9,
///                  "message_seconds": 2e-6, "links_per_node": 1},
///      "node": {"latency_seconds": 1e-6, "bytes_per_second": 2.5e10,
///               "sum_bytes_per_second": 1.2e10},
///      "compute": {"flops_per_second": 1e12, "update_seconds": 0.05}}
///
/// or "compute": {"forward_seconds": 0.4, "backward_seconds": 0.8}, of one micro-batch. What the
/// numbers mean stands at CostConstants; bytes_per_second is one link's, in one direction, or what
/// each rank of a node reads or writes while all of them do. "name", "message_seconds",
/// "links_per_node" and "update_seconds" may be left out; so may "network" of a single node, and
/// "compute" where the caller knows better.
struct Cluster {
    std::string name;
    int ranks_per_node = 1;
    bool has_network = true;
    CostConstants constants;
    std::optional<ComputeRate> compute;
};

/// @param where  what to call the file in messages
/// @throw InputError naming the key and what it may be
[[nodiscard]] Cluster cluster_from_json(const Json& json, const std::string& where);

/// What cluster_from_json reads.
[[nodiscard]] Json to_json(const Cluster& cluster);

/// Where so many ranks would be: node after node filled.
/// @throw InputError if they need a network that the cluster does not have
/// @throw UsageError if they do not fill whole nodes
[[nodiscard]] Topology topology_of(const Cluster& cluster, int ranks);

}  // namespace hpml::comm
