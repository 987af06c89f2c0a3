#include "comm/scaling.h"

#include <algorithm>

#include "base/error.h"

namespace hpml::comm {

namespace {

class Scaling {
  public:
    Scaling(const Cluster& cluster, const Workload& work, const ScalingOptions& options)
        : cluster_(cluster), work_(work), options_(options) {}

    /// @param global_batch  sequences of all ranks in a step
    /// @param alone         sequences of one rank that is alone, with which it is compared
    [[nodiscard]] ScalingRow row(int ranks, std::int64_t global_batch, std::int64_t alone) const {
        ScalingRow row;
        row.topology = topology_of(cluster_, ranks);
        row.sequences = (global_batch + ranks - 1) / ranks;
        row.best = best_of(
            sweep(work_, compute_of(work_, row.sequences), row.topology, cluster_.constants));
        row.tokens_per_second = rate(global_batch, row.best.step.seconds);
        row.efficiency =
            row.tokens_per_second / (ranks * rate(alone, compute_of(work_, alone).total()));
        return row;
    }

  private:
    [[nodiscard]] double rate(std::int64_t sequences, double seconds) const {
        return static_cast<double>(sequences) * static_cast<double>(options_.sequence_length) /
               seconds;
    }

    const Cluster& cluster_;
    const Workload& work_;
    const ScalingOptions& options_;
};

std::vector<AllReducePrediction> predictions(const Topology& topology,
                                             const CostConstants& constants) {
    std::vector<AllReducePrediction> all;
    for (const std::uint64_t kibibytes : {4, 64, 256, 1024, 4096, 16384, 65536, 262144}) {
        AllReducePrediction one{Bytes(kibibytes << 10), {}, Method::Identity};
        for (const Method method : methods_of(topology)) {
            one.seconds.emplace_back(method, predict(method, one.size, topology, constants));
        }
        one.chosen = choose(one.size, topology, constants);
        all.push_back(std::move(one));
    }
    return all;
}

}  // namespace

std::vector<int> rank_counts(const Cluster& cluster, int ranks) {
    std::vector<int> counts;
    for (int count = 1; count < std::min(ranks, cluster.ranks_per_node); count *= 2) {
        counts.push_back(count);
    }
    for (std::int64_t count = cluster.ranks_per_node; count < ranks; count *= 2) {
        counts.push_back(static_cast<int>(count));
    }
    counts.push_back(ranks);
    return counts;
}

SimulationReport simulate(const Cluster& cluster, const Workload& work,
                          const ScalingOptions& options) {
    expects(!work.plans.empty(), "a plan to step through");
    SimulationReport report;
    report.cluster = cluster;
    report.options = options;
    const std::int64_t each = options.sequences_per_rank;
    if (report.options.global_batch == 0) {
        report.options.global_batch = each * options.ranks;
    }
    const std::int64_t batch = report.options.global_batch;
    for (const Workload::Plan& plan : work.plans) {
        report.buckets.push_back(plan.bucket);
    }
    const Topology topology = topology_of(cluster, options.ranks);
    const StepCompute compute = compute_of(work, each);
    const Scaling scaling(cluster, work, report.options);
    report.compute_seconds = compute.total();
    report.result = scaling.row(options.ranks, each * options.ranks, each);
    report.ways = sweep(work, compute, topology, cluster.constants);
    report.all_reduces = predictions(topology, cluster.constants);
    for (const int ranks : rank_counts(cluster, options.ranks)) {
        report.weak.push_back(scaling.row(ranks, each * ranks, each));
        report.strong.push_back(scaling.row(ranks, batch, batch));
    }
    return report;
}

}  // namespace hpml::comm
