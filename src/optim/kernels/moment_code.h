#pragma once

// Adam, LAMB and momentum for the instruction set of the including file.

#include "optim/kernels/kernels.h"
#include "optim/kernels/vector_code.h"

namespace hpml::optim {

namespace {

/// Take the gradient into the moments. @return sqrt(v) root_scale + epsilon
template <class Mean, class Extent>
inline Vector take_gradient(const MomentBlock& block, Mean* means, const MomentFactors& factors,
                            std::size_t i, Extent extent, const Vector& parameter, Vector& mean) {
    const Vector gradient =
        load(block.gradients + i, extent) * factors.gradient_scale + parameter * factors.l2;
    mean = load(means + i, extent) * factors.mean_keep + gradient * factors.mean_gain;
    // A lane behind the end must not divide by zero.
    const Vector square = load(block.square + i, extent, 1.0F) * factors.square_keep +
                          gradient * gradient * factors.square_gain;
    store(block.square + i, square, extent);
    return root(square) * factors.root_scale + factors.epsilon;
}

template <class Mean>
inline void adam_with(const MomentBlock& block, Mean* means, const MomentFactors& factors) {
    sweep(block.count, [&](std::size_t i, auto extent) {
        const Vector parameter = load(block.parameters + i, extent);
        Vector mean;
        const Vector divisor = take_gradient(block, means, factors, i, extent, parameter, mean);
        store(means + i, mean, extent);
        store(block.parameters + i, parameter * factors.keep - mean / divisor * factors.rate,
              extent);
    });
}

void adam_here(const MomentBlock& block, const MomentFactors& factors) {
    if (block.narrow_mean != nullptr) {
        adam_with(block, block.narrow_mean, factors);
    } else {
        adam_with(block, block.mean, factors);
    }
}

template <class Mean>
inline Squares lamb_prepare_with(const MomentBlock& block, Mean* means,
                                 const MomentFactors& factors, float* kept) {
    Vector parameters = {};
    Vector updates = {};
    sweep(block.count, [&](std::size_t i, auto extent) {
        const Vector parameter = load(block.parameters + i, extent);
        Vector mean;
        const Vector divisor = take_gradient(block, means, factors, i, extent, parameter, mean);
        store(means + i, mean, extent);
        if constexpr (sizeof(Mean) < sizeof(float)) {
            mean = widen(narrow(mean));  // the step is the stored moment's
        }
        const Vector update = mean * factors.mean_scale / divisor + parameter * factors.decay;
        store(kept + i, update, extent);
        parameters += parameter * parameter;
        updates += update * update;
    });
    return {total(parameters), total(updates)};
}

Squares lamb_prepare_here(const MomentBlock& block, const MomentFactors& factors, float* update) {
    return block.narrow_mean != nullptr
               ? lamb_prepare_with(block, block.narrow_mean, factors, update)
               : lamb_prepare_with(block, block.mean, factors, update);
}

void lamb_apply_here(float* parameters, const float* update, float rate, std::size_t count) {
    sweep(count, [&](std::size_t i, auto extent) {
        store(parameters + i, load(parameters + i, extent) - load(update + i, extent) * rate,
              extent);
    });
}

void momentum_here(const MomentumBlock& block, const MomentumFactors& factors) {
    sweep(block.count, [&](std::size_t i, auto extent) {
        const Vector parameter = load(block.parameters + i, extent);
        const Vector gradient =
            load(block.gradients + i, extent) * factors.gradient_scale + parameter * factors.l2;
        Vector step = gradient;
        if (block.buffer != nullptr) {
            const Vector buffer = load(block.buffer + i, extent) * factors.momentum + gradient;
            store(block.buffer + i, buffer, extent);
            step = gradient * factors.of_gradient + buffer * factors.of_buffer;
        }
        store(block.parameters + i, parameter - step * factors.rate, extent);
    });
}

double sum_of_squares_here(const float* values, std::size_t count) {
    Vector sums = {};
    sweep(count, [&](std::size_t i, auto extent) {
        const Vector value = load(values + i, extent);
        sums += value * value;
    });
    return total(sums);
}

}  // namespace

}  // namespace hpml::optim
