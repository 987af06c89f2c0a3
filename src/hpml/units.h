#pragma once

#include <compare>
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
using Seconds = Quantity<struct SecondsTag, double>;

}  // namespace hpml
