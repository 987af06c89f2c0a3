#pragma once

// How elements lie in memory and how they are computed with. All of it has internal linkage: see
// reduce_code.h.

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hpml::comm {
namespace {

using Size = std::size_t;

template <class To, class From>
To bits_as(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof(to));
    return to;
}

/// Elements as they lie in memory and as they are computed with.
template <class T, class Computed = T>
struct Plain {
    using Stored = T;
    using Value = Computed;
    static constexpr bool kFloats = Value(1) / Value(2) != Value(0);
    static Value widen(Stored x) { return static_cast<Value>(x); }
    static Stored narrow(Value x) { return static_cast<Stored>(x); }
};

/// For the mean of whole numbers, whose sum may be larger than they.
template <class T>
using Averaged = Plain<T, std::int64_t>;

struct Bfloat16 {
    using Stored = std::uint16_t;
    using Value = float;
    static constexpr bool kFloats = true;
    static float widen(std::uint16_t x) { return bits_as<float>(std::uint32_t{x} << 16); }
    static std::uint16_t narrow(float x) {
        const auto bits = bits_as<std::uint32_t>(x);
        const std::uint32_t rounded = bits + 0x7FFFU + ((bits >> 16) & 1U);
        // A NaN stays one: its low half may hold all of its mantissa.
        const std::uint32_t quiet = bits | 0x00400000U;
        return static_cast<std::uint16_t>((x != x ? quiet : rounded) >> 16);
    }
};

/// Conversions without branches, so that they become vector code (after F. Giesen,
/// https://gist.github.com/rygorous/2156668: the magic multiplication and the magic addition).
struct Float16 {
    using Stored = std::uint16_t;
    using Value = float;
    static constexpr bool kFloats = true;
    static float widen(std::uint16_t x) {
        const std::uint32_t magnitude = x & 0x7FFFU;
        const std::uint32_t sign = std::uint32_t{x} - magnitude;
        // 2^112 moves the exponent from bias 15 to 127 and makes subnormal numbers normal.
        const float scaled = bits_as<float>(magnitude << 13) * 0x1p112F;
        const std::uint32_t special = magnitude >= 0x7C00U ? 0x7F800000U : 0U;
        return bits_as<float>(bits_as<std::uint32_t>(scaled) | special | (sign << 16));
    }
    static std::uint16_t narrow(float x) {
        const auto bits = bits_as<std::uint32_t>(x);
        const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
        // Normal results: round to nearest even in whole numbers, then change the exponent's bias.
        const std::uint32_t odd = (magnitude >> 13) & 1U;
        const std::uint32_t normal = (magnitude + 0xC8000FFFU + odd) >> 13;
        // Subnormal results: adding 0.5 lines the bits up, and the addition rounds to nearest even.
        const float aligned = bits_as<float>(magnitude) + 0.5F;
        const std::uint32_t subnormal = bits_as<std::uint32_t>(aligned) - 0x3F000000U;
        const std::uint32_t special = magnitude > 0x7F800000U ? 0x7E00U : 0x7C00U;
        std::uint32_t result = magnitude < 0x38800000U ? subnormal : normal;
        result = magnitude >= 0x47800000U ? special : result;
        return static_cast<std::uint16_t>(result | ((bits >> 16) & 0x8000U));
    }
};

}  // namespace
}  // namespace hpml::comm
