#include "comm/simulate.h"

#include <algorithm>
#include <cstdint>

#include "base/error.h"

namespace hpml::comm {

namespace {

/// When the all-reduce of each bucket ends, bucket by bucket. Nodes and links serve in the order of
/// the buckets.
class Operations {
  public:
    explicit Operations(std::size_t most_under_way) : most_(most_under_way) {}

    void run(double ready, const Cost& cost) {
        const double start = std::max(ready, place_free());
        node_free_ = std::max(start + cost.latency, node_free_) + cost.node;
        link_free_ = std::max(node_free_, link_free_) + cost.link;
        under_way_.push_back(link_free_);
        finished_ = std::max(finished_, link_free_);
    }
    [[nodiscard]] double finished() const { return finished_; }

  private:
    /// When the engine has a place for one more.
    double place_free() {
        if (under_way_.size() < most_) {
            return 0;
        }
        const auto first = std::min_element(under_way_.begin(), under_way_.end());
        const double free = *first;
        under_way_.erase(first);
        return free;
    }

    std::size_t most_;
    std::vector<double> under_way_;  ///< when each ends
    double node_free_ = 0;
    double link_free_ = 0;
    double finished_ = 0;
};

}  // namespace

SimulatedStep simulate_step(const Schedule& schedule, const StepCompute& compute,
                            const std::function<Cost(Bytes)>& cost, std::size_t most_under_way) {
    expects(most_under_way > 0, "an engine that runs something");
    Operations overlapped(most_under_way);
    Operations alone(most_under_way);
    for (const ScheduledBucket& bucket : schedule) {
        const Cost needed = cost(bucket.size);
        overlapped.run(bucket.ready * compute.backward, needed);
        alone.run(0, needed);
    }
    SimulatedStep step;
    step.exposed = std::max(0.0, overlapped.finished() - compute.backward);
    step.seconds = compute.total() + step.exposed;
    step.all_reduce = alone.finished();
    return step;
}

StepCompute compute_of(const Workload& work, std::int64_t sequences) {
    expects(sequences > 0 && work.micro_batch > 0, "a sequence on each rank");
    const std::int64_t rest = sequences % work.micro_batch;
    const std::int64_t last = rest == 0 ? work.micro_batch : rest;
    const auto all = static_cast<double>(sequences);
    const auto of_last = static_cast<double>(last);
    return {all * work.forward + (all - of_last) * work.backward, of_last * work.backward,
            work.update};
}

std::vector<Method> methods_of(const Topology& topology) {
    if (topology.ranks == 1) {
        return {Method::Identity};
    }
    if (topology.nodes == 1) {
        return {Method::Shm, Method::TwoShot, Method::Ring, Method::RecursiveDoubling};
    }
    std::vector<Method> methods = {Method::TwoShot, Method::Ring, Method::RecursiveDoubling};
    if (topology.ranks_per_node() > 1) {
        methods.insert(methods.begin(), Method::Hierarchical);
    }
    return methods;
}

std::vector<Way> sweep(const Workload& work, const StepCompute& compute, const Topology& topology,
                       const CostConstants& constants) {
    std::vector<std::optional<Method>> methods = {std::nullopt};
    for (const Method method : methods_of(topology)) {
        methods.emplace_back(method);
    }
    std::vector<Way> ways;
    for (std::size_t plan = 0; plan < work.plans.size(); ++plan) {
        for (const auto method : methods) {
            const auto cost = [&](Bytes size) {
                return cost_of(method.value_or(choose(size, topology, constants)), size, topology,
                               constants);
            };
            ways.push_back({plan, method, simulate_step(work.plans[plan].schedule, compute, cost)});
        }
    }
    return ways;
}

const Way& best_of(const std::vector<Way>& ways) {
    expects(!ways.empty(), "a way to choose");
    return *std::min_element(ways.begin(), ways.end(), [](const Way& a, const Way& b) {
        return a.step.seconds < b.step.seconds;
    });
}

}  // namespace hpml::comm
