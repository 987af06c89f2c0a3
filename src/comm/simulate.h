#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "base/units.h"
#include "comm/cost_model.h"

namespace hpml::comm {

/// A buffer of each rank's gradients, which leaves when this part of the backward pass is done.
struct ScheduledBucket {
    Bytes size;
    double ready = 1;  ///< 0 to 1
};

/// In the order in which buckets leave.
using Schedule = std::vector<ScheduledBucket>;

/// What a rank computes in a step, in seconds.
struct StepCompute {
    double before = 0;    ///< all up to the backward pass that buckets leave in
    double backward = 0;  ///< that pass
    double update = 0;    ///< the optimizer

    [[nodiscard]] double total() const { return before + backward + update; }
};

struct SimulatedStep {
    double seconds = 0;     ///< of the whole step
    double exposed = 0;     ///< of it, communication that no computation hides
    double all_reduce = 0;  ///< all buckets, were they ready at once and nothing else to do
};

/// One step as the engine runs it: buckets leave in their order, each when it is full and fewer
/// than `most_under_way` are under way. Of those under way one uses the links at a time, and one
/// the cores and the memory of its node (Cost). Computing costs the communication nothing, nor the
/// other way round, as with cores of their own. Local, a pure function.
/// @param cost  of a bucket of this size
[[nodiscard]] SimulatedStep simulate_step(const Schedule& schedule, const StepCompute& compute,
                                          const std::function<Cost(Bytes)>& cost,
                                          std::size_t most_under_way = 2);

/// What is trained on each rank, for any number of ranks.
struct Workload {
    /// Buckets of at least `bucket`, of the model's real plan.
    struct Plan {
        Bytes bucket;
        Schedule schedule;
    };
    std::vector<Plan> plans;  ///< those to choose from, one at least
    double forward = 0;       ///< seconds for a sequence
    double backward = 0;      ///< seconds for a sequence
    double update = 0;        ///< seconds a step
    std::int64_t micro_batch = 8;
};

/// With `sequences` on each rank, in micro-batches, of which the last may be shorter.
[[nodiscard]] StepCompute compute_of(const Workload& work, std::int64_t sequences);

/// A way to run the step; no method: for each bucket the one that `choose` takes.
struct Way {
    std::size_t plan = 0;  ///< of Workload::plans
    std::optional<Method> method;
    SimulatedStep step;
};

/// What the model offers where the ranks are.
[[nodiscard]] std::vector<Method> methods_of(const Topology& topology);

/// Every plan with every method and with `choose`, plan by plan.
[[nodiscard]] std::vector<Way> sweep(const Workload& work, const StepCompute& compute,
                                     const Topology& topology, const CostConstants& constants);

/// The shortest step; of equal ones the first.
[[nodiscard]] const Way& best_of(const std::vector<Way>& ways);

}  // namespace hpml::comm
