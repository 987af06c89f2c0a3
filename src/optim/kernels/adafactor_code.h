#pragma once

// Adafactor for the instruction set of the including file.

#include "optim/kernels/kernels.h"
#include "optim/kernels/vector_code.h"

namespace hpml::optim {

namespace {

void row_and_column_here(const Rows& rows, float* row_sums, float* column_sums) {
    __builtin_memset(column_sums, 0, rows.columns * sizeof(float));
    for (std::size_t row = 0; row < rows.rows; ++row) {
        const float* gradients = rows.gradients + row * rows.columns;
        Vector sums = {};
        sweep(rows.columns, [&](std::size_t i, auto extent) {
            const Vector gradient = load(gradients + i, extent) * rows.gradient_scale;
            const Vector square = gradient * gradient;
            sums += square;
            store(column_sums + i, load(column_sums + i, extent) + square, extent);
        });
        row_sums[row] = static_cast<float>(total(sums));
    }
}

double factored_squares_here(const Rows& rows, const float* row_factors,
                             const float* column_factors) {
    double all = 0;
    for (std::size_t row = 0; row < rows.rows; ++row) {
        const float* gradients = rows.gradients + row * rows.columns;
        const float factor = rows.gradient_scale * row_factors[row];
        Vector sums = {};
        sweep(rows.columns, [&](std::size_t i, auto extent) {
            const Vector update =
                load(gradients + i, extent) * factor * load(column_factors + i, extent);
            sums += update * update;
        });
        all += total(sums);
    }
    return all;
}

template <class Extent>
inline void apply_update(const FactoredUpdate& work, std::size_t i, Extent extent, Vector update) {
    if (work.mean != nullptr) {
        update = load(work.mean + i, extent) * work.mean_keep + update * work.mean_gain;
        store(work.mean + i, update, extent);
    }
    const Vector parameter = load(work.parameters + i, extent);
    store(work.parameters + i, parameter * work.keep - update * work.rate, extent);
}

void factored_apply_here(const Rows& rows, const FactoredUpdate& work) {
    for (std::size_t row = 0; row < rows.rows; ++row) {
        const std::size_t begin = row * rows.columns;
        const float factor = rows.gradient_scale * work.row_factors[row];
        sweep(rows.columns, [&](std::size_t i, auto extent) {
            const Vector update = load(rows.gradients + begin + i, extent) * factor *
                                  load(work.column_factors + i, extent);
            apply_update(work, begin + i, extent, update);
        });
    }
}

double vector_moment_here(const VectorMoment& work) {
    Vector sums = {};
    sweep(work.count, [&](std::size_t i, auto extent) {
        const Vector gradient = load(work.gradients + i, extent) * work.gradient_scale;
        const Vector square = load(work.square + i, extent, 1.0F) * work.square_keep +
                              (gradient * gradient + work.floor) * work.square_gain;
        store(work.square + i, square, extent);
        const Vector update = gradient / root(square);
        sums += update * update;
    });
    return total(sums);
}

void vector_apply_here(const VectorMoment& work, const FactoredUpdate& update) {
    sweep(work.count, [&](std::size_t i, auto extent) {
        const Vector gradient = load(work.gradients + i, extent) * work.gradient_scale;
        apply_update(update, i, extent, gradient / root(load(work.square + i, extent, 1.0F)));
    });
}

}  // namespace

}  // namespace hpml::optim
