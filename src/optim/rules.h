#pragma once

#include <cstdint>

#include "optim/optimizer.h"

namespace hpml::optim {

// What the optimizers of the CPU and of other devices compute alike: a number or two for each
// parameter. Defined in one file without vector instructions of its own, never in a header.

/// eps[0] of Hugging Face's Adafactor, which squares of gradients are raised by.
inline constexpr double kSquareFloor = 1e-30;

/// ||w|| / ||u|| of a whole tensor from the sums of their squares, as LAMB's options clamp it; 1
/// where a norm is zero or the tensor does not adapt.
[[nodiscard]] double trust_ratio(const OptimizerOptions& options, const Segment& segment,
                                 double weight_squares, double update_squares);

/// Adafactor's step size of a tensor at step `t`, before the update is clipped: of Shazeer &
/// Stern's algorithm 5, or the caller's learning rate.
/// @param value_size  root mean square of the parameters; read with scale_parameter only
[[nodiscard]] double adafactor_step(const OptimizerOptions& options, std::int64_t t,
                                    double learning_rate, double value_size);

}  // namespace hpml::optim
