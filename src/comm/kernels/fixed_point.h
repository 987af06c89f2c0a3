#pragma once

#include <cstddef>
#include <cstdint>

#include "comm/kernels/kernels.h"

namespace hpml::comm {

/// Largest biased exponent (the 8 bits of IEEE binary32) among `count` numbers: below 2^(e - 126)
/// all of them; 255 if one is infinite or NaN, 0 for none.
[[nodiscard]] std::uint8_t largest_exponent(const float* values, std::size_t count);

/// sums[i] += round(values[i] * 2^-quantum), to nearest even. Whatever is not below
/// 2^(quantum + 51) in magnitude adds nonsense.
void add_fixed(const float* values, std::size_t count, int quantum, std::int64_t* sums);

/// values[i] = sums[i] * factor, computed in fp64 and rounded to fp32.
void from_fixed(const std::int64_t* sums, std::size_t count, double factor, float* values);

// For tests: with a given one of `instruction_sets()`; all give the same bits.
void add_fixed(const float* values, std::size_t count, int quantum, std::int64_t* sums,
               InstructionSet set);

}  // namespace hpml::comm
