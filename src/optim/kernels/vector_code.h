#pragma once

// Vectors of 16 numbers that the compiler maps onto the registers of the instruction set that the
// including file is compiled for. Included once per such file: all of it has internal linkage, and
// nothing of the standard library is used, so that the linker cannot put one file's code in place
// of another's.

#include <cstddef>
#include <cstdint>

namespace hpml::optim {

namespace {

constexpr std::size_t kLanes = 16;

using Vector [[gnu::vector_size(64)]] = float;
using Bits [[gnu::vector_size(64)]] = std::uint32_t;
using Halves [[gnu::vector_size(32)]] = std::uint16_t;

/// How much of a vector lies in memory.
struct Whole {};
struct Part {
    std::size_t count;
};

inline Vector load(const float* from, Whole, float = 0) {
    Vector value;
    __builtin_memcpy(&value, from, sizeof(value));
    return value;
}
/// The lanes behind the end are `filler`.
inline Vector load(const float* from, Part part, float filler = 0) {
    Vector value;
    for (std::size_t k = 0; k < kLanes; ++k) {
        value[k] = k < part.count ? from[k] : filler;
    }
    return value;
}
inline void store(float* to, const Vector& value, Whole) {
    __builtin_memcpy(to, &value, sizeof(value));
}
inline void store(float* to, const Vector& value, Part part) {
    for (std::size_t k = 0; k < part.count; ++k) {
        to[k] = value[k];
    }
}

inline Vector widen(const Halves& halves) {
    const Bits bits = __builtin_convertvector(halves, Bits) << 16;
    Vector value;
    __builtin_memcpy(&value, &bits, sizeof(value));
    return value;
}
/// To bfloat16, to nearest, ties to even.
inline Halves narrow(const Vector& value) {
    Bits bits;
    __builtin_memcpy(&bits, &value, sizeof(bits));
    bits = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return __builtin_convertvector(bits, Halves);
}
inline Vector load(const std::uint16_t* from, Whole, float = 0) {
    Halves halves;
    __builtin_memcpy(&halves, from, sizeof(halves));
    return widen(halves);
}
inline Vector load(const std::uint16_t* from, Part part, float = 0) {
    Halves halves = {};
    for (std::size_t k = 0; k < part.count; ++k) {
        halves[k] = from[k];
    }
    return widen(halves);
}
inline void store(std::uint16_t* to, const Vector& value, Whole) {
    const Halves halves = narrow(value);
    __builtin_memcpy(to, &halves, sizeof(halves));
}
inline void store(std::uint16_t* to, const Vector& value, Part part) {
    const Halves halves = narrow(value);
    for (std::size_t k = 0; k < part.count; ++k) {
        to[k] = halves[k];
    }
}

inline Vector root(const Vector& value) {
    Vector result;
    for (std::size_t k = 0; k < kLanes; ++k) {
        result[k] = __builtin_sqrtf(value[k]);
    }
    return result;
}

/// Lane by lane, in double.
inline double total(const Vector& value) {
    double sum = 0;
    for (std::size_t k = 0; k < kLanes; ++k) {
        sum += static_cast<double>(value[k]);
    }
    return sum;
}

/// Call `body(offset, Whole or Part)` for every vector of `count` numbers.
template <class Body>
inline void sweep(std::size_t count, const Body& body) {
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        body(i, Whole());
    }
    if (i < count) {
        body(i, Part{count - i});
    }
}

}  // namespace

}  // namespace hpml::optim
