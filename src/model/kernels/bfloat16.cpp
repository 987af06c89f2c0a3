// Compiled for AVX-512 with its bf16 dot product.

#if defined(__AVX512BF16__)

#include <immintrin.h>

namespace hpml::model {
namespace {

// 24 sums and 3 vectors of the right factor in 32 registers.
constexpr int kLanes = 16;
constexpr int kTileRows = 8;
constexpr int kTileVectors = 3;

}  // namespace
}  // namespace hpml::model

#include "model/kernels/product_code.h"
#include "model/kernels/tables.h"

namespace hpml::model {
namespace {

/// Panels of pairs of bf16 numbers that lie behind each other in the depth, as VDPBF16PS takes
/// them.
struct Bfloat16Panels {
    using Element = std::uint16_t;
    static constexpr std::int64_t kStep = 2;

    template <int kVectors>
    [[gnu::always_inline]] static inline void step(const std::uint16_t* left,
                                                   const std::uint16_t* right,
                                                   Floats (&sums)[kTileRows][kVectors]) {
        __m512bh columns[kVectors];
#pragma GCC unroll 3
        for (int j = 0; j < kVectors; ++j) {
            columns[j] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(right + j * 2 * kLanes));
        }
#pragma GCC unroll 8
        for (int i = 0; i < kTileRows; ++i) {
            std::int32_t pair = 0;
            std::memcpy(&pair, left + 2 * i, sizeof(pair));
            const auto factor = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
#pragma GCC unroll 3
            for (int j = 0; j < kVectors; ++j) {
                sums[i][j] = reinterpret_cast<Floats>(
                    _mm512_dpbf16_ps(reinterpret_cast<__m512>(sums[i][j]), columns[j], factor));
            }
        }
    }

    static void pack(const Strip& strip, Transform transform, Rounding /*rounding*/, float* scratch,
                     std::uint16_t* panel) {
        pack_strip(strip, transform, Rounding::None, scratch);
        std::int64_t k = 0;
        for (; k + 2 <= strip.depth; k += 2) {
            pair_up(scratch + k * strip.width, scratch + (k + 1) * strip.width, strip.width,
                    panel + k * strip.width);
        }
        if (k < strip.depth) {
            alignas(64) float zeros[kTileColumns] = {};
            pair_up(scratch + k * strip.width, zeros, strip.width, panel + k * strip.width);
        }
    }

  private:
    static void pair_up(const float* first, const float* second, std::int64_t width,
                        std::uint16_t* pairs) {
        for (std::int64_t i = 0; i < width; i += kLanes) {
            const std::int64_t there = lesser<std::int64_t>(kLanes, width - i);
            const Ints low = bfloat16_bits(load_some(first + i, there, 0.0F));
            const Ints high = bfloat16_bits(load_some(second + i, there, 0.0F));
            const Ints both = ((low >> 16) & 0xFFFF) | high;
            std::memcpy(pairs + 2 * i, &both, static_cast<std::size_t>(there) * sizeof(float));
        }
    }
};

}  // namespace

void multiply_bfloat16(const Product& product, PackSpace space) {
    multiply_here<Bfloat16Panels>(product, space);
}

}  // namespace hpml::model

#endif
