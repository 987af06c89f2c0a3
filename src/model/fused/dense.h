#pragma once

#include <cstdint>

#include "model/fused/machine.h"

namespace hpml::model {

/// A linear map of rows, y = x W^T + b, or some of its outputs.
struct Dense {
    const float* weight = nullptr;  ///< [outputs, inputs]
    const float* bias = nullptr;    ///< [outputs]
    std::int64_t outputs = 0;
    std::int64_t inputs = 0;
};

struct DenseGradient {
    float* weight = nullptr;
    float* bias = nullptr;
};

/// The gradients of a map's results, [rows, stride].
struct Slopes {
    std::int64_t rows = 0;
    const float* values = nullptr;
    std::int64_t stride = 0;
};

/// results [rows, outputs].
void apply(const Machine& machine, const Dense& map, std::int64_t rows, const Operand& inputs,
           float* results);

/// Add to the gradients of weight and bias: slopes^T inputs, and the sums of the slopes.
void add_gradients(const Machine& machine, const Dense& map, const Slopes& slopes,
                   const Operand& inputs, const DenseGradient& gradient);

/// The gradient of the inputs, [rows, inputs].
void backward(const Machine& machine, const Dense& map, const Slopes& slopes, float* inputs,
              Into into = Into::Replace);

}  // namespace hpml::model
