#include "fusion/schedule.h"

#include <numeric>

#include "base/error.h"

namespace hpml::fusion {

comm::Schedule backward_schedule(const Plan& plan, std::span<const double> leaf_work) {
    expects(leaf_work.size() == plan.leaves.size(), "the work of each leaf");
    const double all = std::accumulate(leaf_work.begin(), leaf_work.end(), 0.0);
    expects(all > 0, "a backward pass that works");
    comm::Schedule schedule;
    double done = 0;
    std::size_t leaf = plan.leaves.size();
    for (const Bucket& bucket : plan.buckets) {
        while (leaf > bucket.first_leaf) {
            done += leaf_work[--leaf];
        }
        const auto count = static_cast<std::uint64_t>(bucket.end - bucket.begin);
        schedule.push_back({Bytes(count * sizeof(float)), done / all});
    }
    return schedule;
}

}  // namespace hpml::fusion
