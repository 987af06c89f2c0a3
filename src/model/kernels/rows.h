#pragma once

#include <cstdint>

namespace hpml::model {

/// LayerNorm of rows that lie one behind the other (Ba, Kiros, Hinton 2016).
struct NormRows {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    const float* weight = nullptr;  ///< [columns]
    const float* bias = nullptr;    ///< [columns]
    float epsilon = 0;
};

/// What the backward pass needs of a norm: its rows with mean 0 and deviation 1, [rows, columns],
/// and 1 / deviation, [rows].
struct Normalized {
    float* rows = nullptr;
    float* inverse_deviation = nullptr;
};

/// Some columns of a matrix whose rows lie one behind the other.
struct Columns {
    std::int64_t rows = 0;
    std::int64_t stride = 0;
    std::int64_t first = 0;
    std::int64_t last = 0;  ///< one behind
};

/// One row of attention scores.
struct ScoreRow {
    float* values = nullptr;
    std::int64_t keys = 0;
    float scale = 1;
};

}  // namespace hpml::model
