#include "comm/kernels/fixed_point_code.h"
#include "comm/kernels/reduce_code.h"
#include "comm/kernels/tables.h"

namespace hpml::comm {

Found reduce_v4(const Reduction& work) { return reduce_here(work); }

void add_fixed_v4(const float* values, std::size_t count, double per_quantum, std::int64_t* sums) {
    add_fixed_here(values, count, per_quantum, sums);
}

std::uint8_t largest_exponent_v4(const float* values, std::size_t count) {
    return largest_exponent_here(values, count);
}

}  // namespace hpml::comm
