#pragma once

// Packing of matrix factors into panels, for product_code.h. Rules as in lanes_code.h.

#include "model/kernels/lanes_code.h"
#include "model/kernels/product.h"

namespace hpml::model {
namespace {

using Eight = float __attribute__((vector_size(32)));
using LooseEight = float __attribute__((vector_size(32), aligned(4), may_alias));

/// Eight rows of eight, turned in registers.
[[gnu::always_inline]] inline void transpose_eight(Eight (&r)[8]) {
    Eight t[8];
    Eight u[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
        const int j = i / 2 * 4 + i % 2;
        u[j] = __builtin_shufflevector(t[j], t[j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        u[j + 2] = __builtin_shufflevector(t[j], t[j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
        r[i] = __builtin_shufflevector(u[i], u[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        r[i + 4] = __builtin_shufflevector(u[i], u[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

/// A strip of a factor: `count` of its lines (rows of the left, columns of the right factor) over
/// `depth`, to be laid out as panel[k * width + line], zeros behind the last line.
struct Strip {
    const float* values;
    std::int64_t line_stride;
    std::int64_t depth_stride;
    std::int64_t count;
    std::int64_t depth;
    std::int64_t width;
};

/// Lines that lie along the depth in memory.
inline void pack_turned(const Strip& strip, float* panel) {
    const std::int64_t group = strip.width % 8 == 0 ? 8 : strip.width;
    for (std::int64_t first = 0; first < strip.width; first += group) {
        const float* from = strip.values + first * strip.line_stride;
        const std::int64_t there = lesser(group, strip.count - first);
        std::int64_t k = 0;
        if (there == 8) {
            for (; k + 8 <= strip.depth; k += 8) {
                Eight block[8];
#pragma GCC unroll 8
                for (int i = 0; i < 8; ++i) {
                    block[i] =
                        *reinterpret_cast<const LooseEight*>(from + i * strip.line_stride + k);
                }
                transpose_eight(block);
#pragma GCC unroll 8
                for (int i = 0; i < 8; ++i) {
                    *reinterpret_cast<LooseEight*>(panel + (k + i) * strip.width + first) =
                        block[i];
                }
            }
        }
        for (; k < strip.depth; ++k) {
            for (std::int64_t i = 0; i < group; ++i) {
                panel[k * strip.width + first + i] =
                    i < there ? from[i * strip.line_stride + k] : 0.0F;
            }
        }
    }
}

/// Lines that lie side by side in memory.
inline void pack_straight(const Strip& strip, float* panel) {
    const auto bytes = static_cast<std::size_t>(strip.count) * sizeof(float);
    const auto rest = static_cast<std::size_t>(strip.width - strip.count) * sizeof(float);
    for (std::int64_t k = 0; k < strip.depth; ++k) {
        float* to = panel + k * strip.width;
        std::memcpy(to, strip.values + k * strip.depth_stride, bytes);
        if (rest != 0) {
            std::memset(to + strip.count, 0, rest);
        }
    }
}

[[gnu::always_inline]] inline Ints bfloat16_bits(Floats values) {
    const Ints bits = reinterpret_cast<Ints>(values);
    const Ints rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & static_cast<int>(0xFFFF0000U);
    // A NaN whose low bits carry over would become an infinity or a zero.
    const Ints quiet = (bits | 0x400000) & static_cast<int>(0xFFFF0000U);
    return (bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : rounded;
}

/// To the nearest number of IEEE half precision, subnormal ones and overflow to infinity included.
[[gnu::always_inline]] inline Floats to_half_and_back(Floats values) {
    const Ints bits = reinterpret_cast<Ints>(values);
    const Ints sign = bits & static_cast<int>(0x80000000U);
    const Ints magnitude = bits & 0x7FFFFFFF;
    const Ints rounded = (magnitude + 0xFFF + ((magnitude >> 13) & 1)) & ~0x1FFF;
    // Below 2^-14 the spacing is 2^-24: adding 0.5 leaves that many bits.
    const Floats small = (reinterpret_cast<Floats>(magnitude) + 0.5F) - 0.5F;
    Ints result = magnitude < 0x38800000 ? reinterpret_cast<Ints>(small) : rounded;
    const Ints infinity = Ints{} + 0x7F800000;
    result = result >= 0x47800000 ? infinity : result;
    result = magnitude > 0x7F800000 ? magnitude : result;
    return reinterpret_cast<Floats>(result | sign);
}

/// Apply transform and rounding to a packed panel; its size is a multiple of the lanes but for the
/// last few.
inline void refine(float* panel, std::int64_t size, Transform transform, Rounding rounding) {
    for (std::int64_t i = 0; i < size; i += kLanes) {
        const std::int64_t there = lesser<std::int64_t>(kLanes, size - i);
        Floats values = there == kLanes ? load(panel + i) : load_some(panel + i, there, 0.0F);
        values = transform == Transform::Gelu ? gelu_of(values) : values;
        if (rounding == Rounding::BFloat16) {
            values = reinterpret_cast<Floats>(bfloat16_bits(values));
        } else if (rounding == Rounding::Half) {
            values = to_half_and_back(values);
        }
        if (there == kLanes) {
            store(panel + i, values);
        } else {
            store_some(panel + i, values, there);
        }
    }
}

inline void pack_strip(const Strip& strip, Transform transform, Rounding rounding, float* panel) {
    if (strip.depth_stride == 1) {
        pack_turned(strip, panel);
    } else {
        pack_straight(strip, panel);
    }
    if (transform != Transform::None || rounding != Rounding::None) {
        refine(panel, strip.width * strip.depth, transform, rounding);
    }
}

}  // namespace
}  // namespace hpml::model
