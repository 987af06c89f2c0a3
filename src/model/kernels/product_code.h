#pragma once

// Matrix products after Goto and van de Geijn, "Anatomy of high-performance matrix multiplication"
// (2008): blocks of both factors are packed into panels that stay in the caches, and a small kernel
// keeps a tile of the result in registers over the whole depth of a block. Rules as in
// lanes_code.h.

#include "model/kernels/pack_code.h"

namespace hpml::model {
namespace {

constexpr int kTileColumns = kTileVectors * kLanes;

/// Where a tile goes.
struct Target {
    float* result;
    std::int64_t stride;
    const float* start;  ///< what the sums are added to, null: nothing
    std::int64_t start_stride;
};

/// Panels of fp32 numbers.
struct Fp32Panels {
    using Element = float;
    static constexpr std::int64_t kStep = 1;  ///< numbers of the depth that one step takes

    template <int kVectors>
    [[gnu::always_inline]] static inline void step(const float* left, const float* right,
                                                   Floats (&sums)[kTileRows][kVectors]) {
        Floats columns[kVectors];
#pragma GCC unroll 3
        for (int j = 0; j < kVectors; ++j) {
            columns[j] = load(right + j * kLanes);
        }
#pragma GCC unroll 8
        for (int i = 0; i < kTileRows; ++i) {
            const float factor = left[i];
#pragma GCC unroll 3
            for (int j = 0; j < kVectors; ++j) {
                sums[i][j] += columns[j] * factor;
            }
        }
    }

    static void pack(const Strip& strip, Transform transform, Rounding rounding, float* /*scratch*/,
                     float* panel) {
        pack_strip(strip, transform, rounding, panel);
    }
};

template <class Panels, int kVectors>
inline void multiply_tile(std::int64_t steps, const typename Panels::Element* left,
                          const typename Panels::Element* right, const Target& target) {
    constexpr int kPerStep = static_cast<int>(Panels::kStep);
    Floats sums[kTileRows][kVectors];
#pragma GCC unroll 8
    for (int i = 0; i < kTileRows; ++i) {
#pragma GCC unroll 3
        for (int j = 0; j < kVectors; ++j) {
            sums[i][j] = Floats{};
            __builtin_prefetch(target.result + i * target.stride + j * kLanes, 1);
        }
    }
    for (std::int64_t k = 0; k < steps; ++k) {
        Panels::template step<kVectors>(left, right, sums);
        left += kTileRows * kPerStep;
        right += kVectors * kLanes * kPerStep;
    }
#pragma GCC unroll 8
    for (int i = 0; i < kTileRows; ++i) {
#pragma GCC unroll 3
        for (int j = 0; j < kVectors; ++j) {
            const Floats sum =
                target.start == nullptr
                    ? sums[i][j]
                    : sums[i][j] + load(target.start + i * target.start_stride + j * kLanes);
            store(target.result + i * target.stride + j * kLanes, sum);
        }
    }
}

template <class Panels>
inline void multiply_tile_of(std::int64_t vectors, std::int64_t steps,
                             const typename Panels::Element* left,
                             const typename Panels::Element* right, const Target& target) {
    if (vectors == 3 && kTileVectors == 3) {
        multiply_tile<Panels, kTileVectors>(steps, left, right, target);
    } else if (vectors == 2) {
        multiply_tile<Panels, 2>(steps, left, right, target);
    } else {
        multiply_tile<Panels, 1>(steps, left, right, target);
    }
}

/// A tile that reaches over the edge of the result.
template <class Panels>
inline void multiply_edge(std::int64_t steps, const typename Panels::Element* left,
                          const typename Panels::Element* right, std::int64_t rows,
                          std::int64_t columns, const Target& target) {
    alignas(64) float whole[kTileRows * kTileColumns];
    const std::int64_t vectors = (columns + kLanes - 1) / kLanes;
    multiply_tile_of<Panels>(vectors, steps, left, right, {whole, kTileColumns, nullptr, 0});
    for (std::int64_t i = 0; i < rows; ++i) {
        float* to = target.result + i * target.stride;
        const float* from = whole + i * kTileColumns;
        const float* start =
            target.start == nullptr ? nullptr : target.start + i * target.start_stride;
        for (std::int64_t j = 0; j < columns; ++j) {
            to[j] = start == nullptr ? from[j] : from[j] + start[j];
        }
    }
}

/// The part of a product that one block of the depth contributes.
struct Block {
    std::int64_t column = 0;
    std::int64_t columns = 0;
    std::int64_t first = 0;  ///< of the depth
    std::int64_t depth = 0;
};

inline std::int64_t tile_width(std::int64_t columns) {
    return (lesser<std::int64_t>(columns, kTileColumns) + kLanes - 1) / kLanes * kLanes;
}

template <class Panels>
inline void pack_right(const Product& product, const Block& block, float* scratch,
                       typename Panels::Element* panels) {
    const Operand& right = product.right;
    for (std::int64_t j = 0; j < block.columns; j += kTileColumns) {
        const std::int64_t columns = lesser<std::int64_t>(kTileColumns, block.columns - j);
        const Strip strip{right.values + block.first * right.row_stride +
                              (block.column + j) * right.column_stride,
                          right.column_stride,
                          right.row_stride,
                          columns,
                          block.depth,
                          tile_width(columns)};
        Panels::pack(strip, right.transform, product.rounding, scratch, panels);
        panels += strip.width * ((block.depth + Panels::kStep - 1) / Panels::kStep * Panels::kStep);
    }
}

template <class Panels>
inline void pack_left(const Product& product, const Block& block, std::int64_t row,
                      std::int64_t rows, float* scratch, typename Panels::Element* panels) {
    const Operand& left = product.left;
    for (std::int64_t i = 0; i < rows; i += kTileRows) {
        const Strip strip{
            left.values + (row + i) * left.row_stride + block.first * left.column_stride,
            left.row_stride,
            left.column_stride,
            lesser<std::int64_t>(kTileRows, rows - i),
            block.depth,
            kTileRows};
        Panels::pack(strip, left.transform, product.rounding, scratch, panels);
        panels += strip.width * ((block.depth + Panels::kStep - 1) / Panels::kStep * Panels::kStep);
    }
}

template <class Panels>
inline void multiply_panels(const Product& product, const Block& block, std::int64_t row,
                            std::int64_t rows, const typename Panels::Element* left,
                            const typename Panels::Element* right) {
    const std::int64_t steps = (block.depth + Panels::kStep - 1) / Panels::kStep;
    const std::int64_t depth = steps * Panels::kStep;
    const bool begins = block.first == 0 && product.into == Into::Replace;
    for (std::int64_t j = 0; j < block.columns; j += kTileColumns) {
        const std::int64_t columns = lesser<std::int64_t>(kTileColumns, block.columns - j);
        for (std::int64_t i = 0; i < rows; i += kTileRows) {
            const std::int64_t tile_rows = lesser<std::int64_t>(kTileRows, rows - i);
            Target target{product.result + (row + i) * product.result_stride + block.column + j,
                          product.result_stride, nullptr, 0};
            if (!begins) {
                target.start = target.result;
                target.start_stride = target.stride;
            } else if (product.bias != nullptr) {
                target.start = product.bias + block.column + j;
            }
            const auto* from = left + i * depth;
            if (tile_rows == kTileRows && columns % kLanes == 0) {
                multiply_tile_of<Panels>(columns / kLanes, steps, from, right, target);
            } else {
                multiply_edge<Panels>(steps, from, right, tile_rows, columns, target);
            }
        }
        right += tile_width(columns) * depth;
    }
}

/// Nothing to sum: the bias, or zeros, where the result is replaced.
inline void fill_empty(const Product& product) {
    for (std::int64_t i = 0; product.into == Into::Replace && i < product.rows; ++i) {
        for (std::int64_t j = 0; j < product.columns; ++j) {
            product.result[i * product.result_stride + j] =
                product.bias == nullptr ? 0.0F : product.bias[j];
        }
    }
}

template <class Panels>
inline void multiply_here(const Product& product, PackSpace space) {
    using Element = typename Panels::Element;
    if (product.depth == 0) {
        fill_empty(product);
        return;
    }
    auto* left = reinterpret_cast<Element*>(space);
    auto* right = reinterpret_cast<Element*>(space + kPackDepth * kPackRows);
    float* scratch = space + kPackDepth * (kPackRows + kPackColumns);
    // Blocks of nearly one depth rather than full ones and a rest.
    const std::int64_t blocks = (product.depth + kPackDepth - 1) / kPackDepth;
    const std::int64_t block_depth = ((product.depth + blocks - 1) / blocks + 7) / 8 * 8;
    for (std::int64_t column = 0; column < product.columns; column += kPackColumns) {
        Block block{column, lesser(kPackColumns, product.columns - column), 0, 0};
        for (; block.first < product.depth; block.first += block_depth) {
            block.depth = lesser(block_depth, product.depth - block.first);
            pack_right<Panels>(product, block, scratch, right);
            for (std::int64_t row = 0; row < product.rows; row += kPackRows) {
                const std::int64_t rows = lesser(kPackRows, product.rows - row);
                pack_left<Panels>(product, block, row, rows, scratch, left);
                multiply_panels<Panels>(product, block, row, rows, left, right);
            }
        }
    }
}

}  // namespace
}  // namespace hpml::model
