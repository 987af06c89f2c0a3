#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "comm/cluster.h"
#include "comm/simulate.h"

namespace hpml::comm {

struct ScalingOptions {
    int ranks = 1;
    std::int64_t sequences_per_rank = 8;  ///< in a step; weak scaling keeps it
    std::int64_t global_batch = 0;       ///< strong scaling keeps it; 0: sequences_per_rank * ranks
    std::int64_t sequence_length = 128;  ///< tokens
};

/// A number of ranks with what is best there.
struct ScalingRow {
    Topology topology;
    std::int64_t sequences = 0;  ///< on a rank that has the most
    Way best;
    double tokens_per_second = 0;  ///< of all ranks
    double efficiency = 0;  ///< of tokens_per_second; 1: as many times as much as one rank alone
};

/// A buffer's all-reduce by every method.
struct AllReducePrediction {
    Bytes size;
    std::vector<std::pair<Method, double>> seconds;
    Method chosen = Method::Identity;
};

struct SimulationReport {
    Cluster cluster;
    ScalingOptions options;
    std::vector<Bytes> buckets;  ///< sizes that were tried, as the plans of the workload
    double compute_seconds = 0;  ///< of a rank's step
    ScalingRow result;           ///< at options.ranks
    std::vector<Way> ways;       ///< all of them there
    std::vector<AllReducePrediction> all_reduces;
    std::vector<ScalingRow> weak;    ///< the same work for every rank
    std::vector<ScalingRow> strong;  ///< the same work for all ranks together
};

/// 1, 2, 4, ... ranks of a node, then 1, 2, 4, ... whole nodes, and last `ranks` itself.
[[nodiscard]] std::vector<int> rank_counts(const Cluster& cluster, int ranks);

/// Predict training steps of `work` on a cluster. Local, a pure function.
/// @throw what topology_of throws
[[nodiscard]] SimulationReport simulate(const Cluster& cluster, const Workload& work,
                                        const ScalingOptions& options);

/// Tables for people.
[[nodiscard]] std::string to_table(const SimulationReport& report);

/// {cluster, ranks, nodes, compute_seconds, step_seconds, exposed_seconds, all_reduce_seconds,
/// efficiency, tokens_per_second, bucket_bytes, allreduce, sweep: [...], predictions: [...],
/// weak_scaling: [...], strong_scaling: [...]}.
[[nodiscard]] Json to_json(const SimulationReport& report);

}  // namespace hpml::comm
