#pragma once

// Vectors of floats, compiled once for each instruction set by the files that include this and say
// before how wide a vector is, kLanes, and which tile of a product fits the registers, kTileRows
// and kTileVectors. All of
// it has internal linkage and calls no inline function of the standard library: the linker would
// keep one copy of such a function for all files, perhaps the one this processor cannot run.

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hpml::model {
namespace {

using Floats = float __attribute__((vector_size(kLanes * 4)));
using Ints = std::int32_t __attribute__((vector_size(kLanes * 4)));
/// The same where memory is not aligned.
using LooseFloats = float __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

template <class T>
[[gnu::always_inline]] inline T lesser(T a, T b) {
    return b < a ? b : a;
}

[[gnu::always_inline]] inline Floats splat(float value) { return Floats{} + value; }

[[gnu::always_inline]] inline Floats load(const float* from) {
    return *reinterpret_cast<const LooseFloats*>(from);
}
[[gnu::always_inline]] inline void store(float* to, Floats values) {
    *reinterpret_cast<LooseFloats*>(to) = values;
}
/// The first `count` of them, `rest` in the other lanes.
[[gnu::always_inline]] inline Floats load_some(const float* from, std::int64_t count, float rest) {
    Floats values = splat(rest);
    std::memcpy(&values, from, static_cast<std::size_t>(count) * sizeof(float));
    return values;
}
[[gnu::always_inline]] inline void store_some(float* to, Floats values, std::int64_t count) {
    std::memcpy(to, &values, static_cast<std::size_t>(count) * sizeof(float));
}

[[gnu::always_inline]] inline float sum_of(Floats values) {
    float sum = 0;
    for (int i = 0; i < kLanes; ++i) {
        sum += values[i];
    }
    return sum;
}
[[gnu::always_inline]] inline Floats larger(Floats a, Floats b) { return a > b ? a : b; }
[[gnu::always_inline]] inline Floats smaller(Floats a, Floats b) { return a < b ? a : b; }
[[gnu::always_inline]] inline float largest_of(Floats values) {
    float most = values[0];
    for (int i = 1; i < kLanes; ++i) {
        most = values[i] > most ? values[i] : most;
    }
    return most;
}

/// e^x within 2 units in the last place; x below -87 counts as -87.
[[gnu::always_inline]] inline Floats exp_of(Floats x) {
    x = smaller(larger(x, splat(-87.0F)), splat(88.0F));
    // Adding 1.5 * 2^23 rounds to a whole number, which then stands in the low bits.
    const Floats shifted = x * 1.44269504088896341F + 12582912.0F;
    const Floats whole = shifted - 12582912.0F;
    const Floats r = (x - whole * 0.693359375F) - whole * -2.12194440e-4F;
    Floats p = splat(1.9875691500e-4F);
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    p = p * r * r + r + 1.0F;
    const Ints power = (reinterpret_cast<Ints>(shifted) << 23) + (127 << 23);
    return p * reinterpret_cast<Floats>(power);
}

/// erf(x) within 4e-7: a rational function of x^2 on [-4, 4], 1 beyond (as in Eigen).
[[gnu::always_inline]] inline Floats erf_of(Floats x) {
    x = smaller(larger(x, splat(-4.0F)), splat(4.0F));
    const Floats s = x * x;
    Floats p = splat(-2.72614225801306e-10F);
    p = p * s + 2.77068142495902e-08F;
    p = p * s + -2.10102402082508e-06F;
    p = p * s + -5.69250639462346e-05F;
    p = p * s + -7.34990630326855e-04F;
    p = p * s + -2.95459980854025e-03F;
    p = p * s + -1.60960333262415e-02F;
    Floats q = splat(-1.45660718464996e-05F);
    q = q * s + -2.13374055278905e-04F;
    q = q * s + -1.68282697438203e-03F;
    q = q * s + -7.37332916720468e-03F;
    q = q * s + -1.42647390514189e-02F;
    return x * p / q;
}

/// BERT's GELU, x * Phi(x) with the exact normal distribution function (Hendrycks, Gimpel 2016).
[[gnu::always_inline]] inline Floats gelu_of(Floats x) {
    return x * (erf_of(x * 0.70710678118654752F) * 0.5F + 0.5F);
}
/// Its derivative, Phi(x) + x * phi(x).
[[gnu::always_inline]] inline Floats gelu_slope_of(Floats x) {
    const Floats density = exp_of(x * x * -0.5F) * 0.39894228040143268F;
    return erf_of(x * 0.70710678118654752F) * 0.5F + 0.5F + x * density;
}

}  // namespace
}  // namespace hpml::model
