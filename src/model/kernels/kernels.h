#pragma once

#include <string_view>
#include <vector>

#include "model/kernels/product.h"
#include "model/kernels/rows.h"

namespace hpml::model {

/// The loops of the encoder as one instruction set's file has compiled them. All work in the
/// calling thread, on host memory, without allocating; the same arguments give the same bits.
struct Kernels {
    std::string_view name;  ///< "portable", "x86-64-v3", "x86-64-v4"

    void (*multiply)(const Product& product, PackSpace space) = nullptr;

    /// Rows (+ residual) to `kept` and, with weight and bias, to `output`. `input` may be
    /// `kept.rows`, `residual` may be `output`. @param residual  null: none
    void (*norm_forward)(const NormRows& norm, const float* input, const float* residual,
                         const Normalized& kept, float* output) = nullptr;
    /// The output once more from what is kept.
    void (*norm_again)(const NormRows& norm, const float* normalized, float* output) = nullptr;
    /// `gradient` of the output becomes that of the input, in place.
    void (*norm_backward)(const NormRows& norm, const Normalized& kept, float* gradient) = nullptr;
    /// Add to the gradients of weight and bias, some columns of them.
    void (*norm_parameters)(const Columns& columns, const float* gradient, const float* normalized,
                            float* weight, float* bias) = nullptr;
    /// sums[c] += the sum of column c, in the order of the rows.
    void (*add_column_sums)(const Columns& columns, const float* values, float* sums) = nullptr;

    void (*gelu)(std::int64_t count, const float* input, float* output) = nullptr;
    /// `gradient` of GELU's result becomes that of its input, in place.
    void (*gelu_backward)(std::int64_t count, const float* input, float* gradient) = nullptr;
    void (*multiply_by)(std::int64_t count, const float* factors, float* values) = nullptr;
    void (*add_to)(std::int64_t count, const float* terms, float* values) = nullptr;
    float (*dot)(std::int64_t count, const float* a, const float* b) = nullptr;

    /// ln of the sum of e^(scale * value).
    float (*log_sum_exp)(const ScoreRow& row) = nullptr;
    /// Values become e^(scale * value - log_sum).
    void (*probabilities)(const ScoreRow& row, float log_sum) = nullptr;
    /// Gradients of probabilities, whose mean under them is `mean`, become those of the scores.
    void (*softmax_backward)(const ScoreRow& row, const float* probabilities, float mean) = nullptr;
};

/// What this processor can run, the fastest last.
[[nodiscard]] std::vector<Kernels> all_kernels();
/// The fastest.
[[nodiscard]] const Kernels& best_kernels();

/// Products of bf16 factors in the processor's own bf16 arithmetic; null where it has none, and
/// then `multiply` rounds the factors and multiplies in fp32.
using MultiplyNative = void (*)(const Product& product, PackSpace space);
[[nodiscard]] MultiplyNative native_bfloat16();

}  // namespace hpml::model
