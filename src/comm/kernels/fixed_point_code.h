#pragma once

// Fixed-point sums, compiled once for each instruction set; see reduce_code.h for why all of it has
// internal linkage.

#include <cstddef>
#include <cstdint>

#include "comm/kernels/element_code.h"

namespace hpml::comm {
namespace {

/// Adding 1.5 * 2^52 to a number below 2^51 leaves it, rounded to nearest even, in the low bits.
constexpr double kMagic = 6755399441055744.0;

void add_fixed_here(const float* values, Size count, double per_quantum, std::int64_t* sums) {
    const auto magic = bits_as<std::int64_t>(kMagic);
    for (Size i = 0; i < count; ++i) {
        // The product is exact: a power of two, in a wider type.
        const double shifted = static_cast<double>(values[i]) * per_quantum + kMagic;
        // Unsigned: what overflows wraps around.
        sums[i] =
            static_cast<std::int64_t>(static_cast<std::uint64_t>(sums[i]) +
                                      static_cast<std::uint64_t>(bits_as<std::int64_t>(shifted)) -
                                      static_cast<std::uint64_t>(magic));
    }
}

std::uint8_t largest_exponent_here(const float* values, Size count) {
    std::uint32_t largest = 0;
    for (Size i = 0; i < count; ++i) {
        const std::uint32_t magnitude = bits_as<std::uint32_t>(values[i]) & 0x7FFFFFFFU;
        largest = magnitude > largest ? magnitude : largest;
    }
    return static_cast<std::uint8_t>(largest >> 23);
}

}  // namespace
}  // namespace hpml::comm
