#pragma once

#include <cstdint>

namespace hpml::test {

/// How often this process has asked for memory since it began, on all threads.
struct Allocations {
    std::uint64_t by_new = 0;     ///< C++: ours
    std::uint64_t by_malloc = 0;  ///< of any library, operator new included
};

/// Counted by replacing malloc and operator new in this executable (allocations.cpp).
[[nodiscard]] Allocations allocations() noexcept;

}  // namespace hpml::test
