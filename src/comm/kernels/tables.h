#pragma once

#include <cstddef>
#include <cstdint>

#include "comm/kernels/kernels.h"

namespace hpml::comm {

// The reduction as each instruction set's file has compiled it.
Found reduce_portable(const Reduction& work);
Found reduce_v3(const Reduction& work);
Found reduce_v4(const Reduction& work);

// Fixed-point sums likewise; `per_quantum` is 2^-quantum.
void add_fixed_portable(const float* values, std::size_t count, double per_quantum,
                        std::int64_t* sums);
void add_fixed_v3(const float* values, std::size_t count, double per_quantum, std::int64_t* sums);
void add_fixed_v4(const float* values, std::size_t count, double per_quantum, std::int64_t* sums);
std::uint8_t largest_exponent_portable(const float* values, std::size_t count);
std::uint8_t largest_exponent_v3(const float* values, std::size_t count);
std::uint8_t largest_exponent_v4(const float* values, std::size_t count);

}  // namespace hpml::comm
