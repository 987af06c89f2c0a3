#include <numeric>

#include "apps/hpml_bench_commands.h"
#include "comm/scaling.h"
#include "fusion/schedule.h"
#include "model/work.h"

namespace hpml {

namespace {

constexpr double kBucketsMib[] = {1, 2, 4, 8, 16, 25, 32, 64, 128, 256};

comm::ComputeRate compute_rate(const BenchOptions& options, const comm::Cluster& cluster) {
    if (options.compute_seconds) {
        // A backward pass multiplies twice where a forward pass multiplies once.
        return {*options.compute_seconds / 3, *options.compute_seconds * 2 / 3, 0, 0};
    }
    if (!cluster.compute) {
        throw InputError(cluster.name +
                         " has no key 'compute' (how long a rank computes decides what it hides); "
                         "add it, or give --compute-seconds as hpml_bench step measures it");
    }
    return *cluster.compute;
}

comm::Workload workload(const BenchOptions& options, const comm::ComputeRate& rate) {
    const model::ModelConfig config = model::named_model(options.model);
    const auto flops = model::forward_flops(
        config, model::Head::MaskedLm, {options.step.sequence_length, options.step.masking_rate});
    comm::Workload work;
    work.micro_batch = options.step.micro_batch;
    work.update = rate.update_seconds;
    if (rate.flops_per_second > 0) {
        work.forward = std::accumulate(flops.begin(), flops.end(), 0.0) / rate.flops_per_second;
        work.backward = 2 * work.forward;
    } else {
        const auto sequences = static_cast<double>(options.step.micro_batch);
        work.forward = rate.forward_seconds / sequences;
        work.backward = rate.backward_seconds / sequences;
    }
    const auto leaves = model::leaf_specs(config, model::Head::MaskedLm);
    for (const double size : kBucketsMib) {
        const fusion::Plan plan =
            fusion::make_plan(leaves, mib(size), options.step.communication.first_bucket);
        work.plans.push_back({mib(size), fusion::backward_schedule(plan, flops)});
    }
    return work;
}

}  // namespace

Json bench_simulate(const BenchOptions& options, const Log& log) {
    if (options.cluster.empty()) {
        throw UsageError(
            "simulate needs --cluster FILE; examples are in jobs/clusters, and hpml_bench "
            "calibrate --json FILE writes one");
    }
    const comm::Cluster cluster =
        comm::cluster_from_json(read_json(options.cluster), options.cluster.string());
    const comm::Workload work = workload(options, compute_rate(options, cluster));
    comm::ScalingOptions scaling;
    scaling.ranks = static_cast<int>(options.simulated_ranks);
    scaling.sequences_per_rank = options.step.micro_batch * options.step.accumulation;
    scaling.global_batch = options.global_batch;
    scaling.sequence_length = options.step.sequence_length;
    const auto report = comm::simulate(cluster, work, scaling);
    log.info("{} of {}", options.model, comm::to_table(report));
    return comm::to_json(report);
}

}  // namespace hpml
