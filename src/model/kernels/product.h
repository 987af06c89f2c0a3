#pragma once

#include <cstddef>
#include <cstdint>

namespace hpml::model {

/// What numbers the factors of a matrix product are rounded to, to nearest, ties to even. Products
/// are summed in fp32 whatever they are.
enum class Rounding { None, BFloat16, Half };

/// What is done to a factor on its way into the product, so that its result is never stored.
enum class Transform { None, Gelu };

/// Whether a result takes the place of what is there, or is added to it.
enum class Into { Replace, Add };

/// A matrix in memory; one of its strides is 1. Element (i, j) is values[i * row_stride + j *
/// column_stride].
struct Operand {
    const float* values = nullptr;
    std::int64_t row_stride = 0;
    std::int64_t column_stride = 1;
    Transform transform = Transform::None;
};

/// A matrix as rows lie in memory, or its transpose.
[[nodiscard]] inline Operand rows_of(const float* values, std::int64_t stride,
                                     Transform transform = Transform::None) {
    return {values, stride, 1, transform};
}
[[nodiscard]] inline Operand transpose_of(const float* values, std::int64_t stride,
                                          Transform transform = Transform::None) {
    return {values, 1, stride, transform};
}

/// result [rows, columns] = left [rows, depth] * right [depth, columns] (+ bias) (+ result).
struct Product {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::int64_t depth = 0;
    Operand left;
    Operand right;
    float* result = nullptr;
    std::int64_t result_stride = 0;
    Into into = Into::Replace;
    const float* bias = nullptr;  ///< [columns]; null: none. Only where the result is replaced
    Rounding rounding = Rounding::None;
};

/// Memory that a product packs its factors into: kPackFloats floats, 64-byte aligned.
using PackSpace = float*;
constexpr std::int64_t kPackDepth = 512;     ///< of a block
constexpr std::int64_t kPackRows = 192;      ///< of the left factor
constexpr std::int64_t kPackColumns = 1536;  ///< of the right factor
constexpr std::int64_t kPackScratch = kPackDepth * 64;
constexpr std::int64_t kPackFloats = kPackDepth * (kPackRows + kPackColumns) + kPackScratch;

}  // namespace hpml::model
