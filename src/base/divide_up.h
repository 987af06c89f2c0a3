#pragma once

#include <cstdint>

namespace hpml {

/// The least whole number that is not below a / b, also for a near the end of 64 bits.
/// @param a  0 at least
/// @param b  above 0
constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) {
    return a / b + (a % b > 0 ? 1 : 0);
}

}  // namespace hpml
