#pragma once

// What is done row by row between matrix products. Rules as in lanes_code.h.

#include "model/kernels/lanes_code.h"
#include "model/kernels/rows.h"

namespace hpml::model {
namespace {

/// As many numbers as a vector has lanes, or fewer at the end of a row.
struct Whole {};
struct Some {
    std::int64_t count;
};
[[gnu::always_inline]] inline Floats get(const float* from, Whole) { return load(from); }
[[gnu::always_inline]] inline Floats get(const float* from, Some part) {
    return load_some(from, part.count, 0.0F);
}
[[gnu::always_inline]] inline void put(float* to, Floats values, Whole) { store(to, values); }
[[gnu::always_inline]] inline void put(float* to, Floats values, Some part) {
    store_some(to, values, part.count);
}
/// `otherwise` in the lanes that stand for nothing.
[[gnu::always_inline]] inline Floats only(Floats values, float /*otherwise*/, Whole) {
    return values;
}
[[gnu::always_inline]] inline Floats only(Floats values, float otherwise, Some part) {
    for (std::int64_t i = part.count; i < kLanes; ++i) {
        values[i] = otherwise;
    }
    return values;
}

template <class Body>
[[gnu::always_inline]] inline void along(std::int64_t first, std::int64_t last, const Body& body) {
    std::int64_t i = first;
    for (; i + kLanes <= last; i += kLanes) {
        body(i, Whole{});
    }
    if (i < last) {
        body(i, Some{last - i});
    }
}

inline void norm_row(const NormRows& norm, const float* row, float* normalized,
                     float* inverse_deviation, float* output) {
    const auto count = static_cast<float>(norm.columns);
    Floats sums{};
    along(0, norm.columns, [&](std::int64_t i, auto part) { sums += get(row + i, part); });
    const float mean = sum_of(sums) / count;
    Floats squares{};
    along(0, norm.columns, [&](std::int64_t i, auto part) {
        const Floats off = only(get(row + i, part) - mean, 0.0F, part);
        squares += off * off;
    });
    const float inverse = 1.0F / __builtin_sqrtf(sum_of(squares) / count + norm.epsilon);
    *inverse_deviation = inverse;
    along(0, norm.columns, [&](std::int64_t i, auto part) {
        const Floats unit = (get(row + i, part) - mean) * inverse;
        put(normalized + i, unit, part);
        put(output + i, unit * get(norm.weight + i, part) + get(norm.bias + i, part), part);
    });
}

/// @param residual  added to the input before; null: nothing
inline void norm_forward_here(const NormRows& norm, const float* input, const float* residual,
                              const Normalized& kept, float* output) {
    for (std::int64_t r = 0; r < norm.rows; ++r) {
        const std::int64_t at = r * norm.columns;
        const float* row = input + at;
        if (residual != nullptr) {
            along(0, norm.columns, [&](std::int64_t i, auto part) {
                put(kept.rows + at + i, get(row + i, part) + get(residual + at + i, part), part);
            });
            row = kept.rows + at;
        }
        norm_row(norm, row, kept.rows + at, kept.inverse_deviation + r, output + at);
    }
}

inline void norm_again_here(const NormRows& norm, const float* normalized, float* output) {
    for (std::int64_t r = 0; r < norm.rows; ++r) {
        const std::int64_t at = r * norm.columns;
        along(0, norm.columns, [&](std::int64_t i, auto part) {
            put(output + at + i,
                get(normalized + at + i, part) * get(norm.weight + i, part) +
                    get(norm.bias + i, part),
                part);
        });
    }
}

/// `gradient` of the output becomes that of the input.
inline void norm_backward_here(const NormRows& norm, const Normalized& kept, float* gradient) {
    const auto count = static_cast<float>(norm.columns);
    for (std::int64_t r = 0; r < norm.rows; ++r) {
        float* row = gradient + r * norm.columns;
        const float* unit = kept.rows + r * norm.columns;
        Floats sums{};
        Floats products{};
        along(0, norm.columns, [&](std::int64_t i, auto part) {
            const Floats weighted = get(row + i, part) * get(norm.weight + i, part);
            sums += weighted;
            products += weighted * get(unit + i, part);
        });
        const float mean = sum_of(sums) / count;
        const float slope = sum_of(products) / count;
        const float inverse = kept.inverse_deviation[r];
        along(0, norm.columns, [&](std::int64_t i, auto part) {
            const Floats weighted = get(row + i, part) * get(norm.weight + i, part);
            put(row + i, (weighted - mean - get(unit + i, part) * slope) * inverse, part);
        });
    }
}

/// Add what the rows give to the gradients of some columns of weight and bias. Row by row, as they
/// lie in memory; the sums stay in the nearest cache.
inline void norm_parameters_here(const Columns& part_of, const float* gradient,
                                 const float* normalized, float* weight, float* bias) {
    for (std::int64_t r = 0; r < part_of.rows; ++r) {
        const float* slope = gradient + r * part_of.stride;
        const float* unit = normalized + r * part_of.stride;
        along(part_of.first, part_of.last, [&](std::int64_t i, auto part) {
            const Floats here = get(slope + i, part);
            put(weight + i, get(weight + i, part) + here * get(unit + i, part), part);
            put(bias + i, get(bias + i, part) + here, part);
        });
    }
}

inline void add_column_sums_here(const Columns& part_of, const float* values, float* sums) {
    std::int64_t r = 0;
    for (; r + 4 <= part_of.rows; r += 4) {
        const float* row = values + r * part_of.stride;
        along(part_of.first, part_of.last, [&](std::int64_t i, auto part) {
            const Floats first = get(row + i, part) + get(row + part_of.stride + i, part);
            const Floats second =
                get(row + 2 * part_of.stride + i, part) + get(row + 3 * part_of.stride + i, part);
            put(sums + i, get(sums + i, part) + (first + second), part);
        });
    }
    for (; r < part_of.rows; ++r) {
        const float* row = values + r * part_of.stride;
        along(part_of.first, part_of.last, [&](std::int64_t i, auto part) {
            put(sums + i, get(sums + i, part) + get(row + i, part), part);
        });
    }
}

inline void gelu_here(std::int64_t count, const float* input, float* output) {
    along(0, count,
          [&](std::int64_t i, auto part) { put(output + i, gelu_of(get(input + i, part)), part); });
}

/// `gradient` of GELU's result becomes that of its input.
inline void gelu_backward_here(std::int64_t count, const float* input, float* gradient) {
    along(0, count, [&](std::int64_t i, auto part) {
        put(gradient + i, get(gradient + i, part) * gelu_slope_of(get(input + i, part)), part);
    });
}

inline void multiply_by_here(std::int64_t count, const float* factors, float* values) {
    along(0, count, [&](std::int64_t i, auto part) {
        put(values + i, get(values + i, part) * get(factors + i, part), part);
    });
}

inline void add_to_here(std::int64_t count, const float* terms, float* values) {
    along(0, count, [&](std::int64_t i, auto part) {
        put(values + i, get(values + i, part) + get(terms + i, part), part);
    });
}

inline float dot_here(std::int64_t count, const float* a, const float* b) {
    Floats sum{};
    along(0, count, [&](std::int64_t i, auto part) { sum += get(a + i, part) * get(b + i, part); });
    return sum_of(sum);
}

/// @return ln of the sum of e^(scale * value)
inline float log_sum_exp_here(const ScoreRow& row) {
    Floats most = splat(-__builtin_inff());
    along(0, row.keys, [&](std::int64_t i, auto part) {
        most = larger(most, only(get(row.values + i, part) * row.scale, -__builtin_inff(), part));
    });
    const float top = largest_of(most);
    Floats sums{};
    along(0, row.keys, [&](std::int64_t i, auto part) {
        sums += only(exp_of(get(row.values + i, part) * row.scale - top), 0.0F, part);
    });
    return top + __builtin_logf(sum_of(sums));
}

/// Scores become e^(scale * score - log_sum).
inline void probabilities_here(const ScoreRow& row, float log_sum) {
    along(0, row.keys, [&](std::int64_t i, auto part) {
        put(row.values + i, exp_of(get(row.values + i, part) * row.scale - log_sum), part);
    });
}

/// `row` holds the gradients of probabilities and becomes those of the scores; `mean` is their
/// mean under the probabilities.
inline void softmax_backward_here(const ScoreRow& row, const float* probabilities, float mean) {
    along(0, row.keys, [&](std::int64_t i, auto part) {
        put(row.values + i,
            get(probabilities + i, part) * (get(row.values + i, part) - mean) * row.scale, part);
    });
}

}  // namespace
}  // namespace hpml::model
