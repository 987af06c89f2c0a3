#pragma once

#include <vector>

namespace hpml {

/// The middle one in the order of size, of an even number the upper of the two; 0 for none.
[[nodiscard]] double median_of(std::vector<double> values);

}  // namespace hpml
