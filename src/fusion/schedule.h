#pragma once

#include <span>

#include "comm/simulate.h"
#include "fusion/plan.h"

namespace hpml::fusion {

/// When the buckets of a plan leave: the backward pass goes through the leaves from the last to the
/// first and takes for each a time in proportion to its work.
/// @param leaf_work  of each leaf of the plan, 0 or above, not all 0
[[nodiscard]] comm::Schedule backward_schedule(const Plan& plan, std::span<const double> leaf_work);

}  // namespace hpml::fusion
