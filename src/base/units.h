#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace hpml {

/// A number that cannot be mixed up with a number of another kind.
template <class Tag, class T>
struct Quantity {
    T value{};

    constexpr Quantity() = default;
    constexpr explicit Quantity(T v) : value(v) {}
    friend constexpr auto operator<=>(Quantity, Quantity) = default;
    friend constexpr Quantity operator+(Quantity a, Quantity b) {
        return Quantity(a.value + b.value);
    }
    friend constexpr Quantity operator-(Quantity a, Quantity b) {
        return Quantity(a.value - b.value);
    }
    constexpr Quantity& operator+=(Quantity other) {
        value += other.value;
        return *this;
    }
};

using Bytes = Quantity<struct BytesTag, std::uint64_t>;
using Tokens = Quantity<struct TokensTag, std::int64_t>;
using Step = Quantity<struct StepTag, std::int64_t>;  ///< optimizer steps, counted from 0
using Rank = Quantity<struct RankTag, int>;
using Seconds = Quantity<struct SecondsTag, double>;

constexpr Bytes mib(double count) { return Bytes(static_cast<std::uint64_t>(count * 1048576.0)); }

}  // namespace hpml
