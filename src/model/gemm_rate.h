#pragma once

#include <ATen/core/Tensor.h>

#include "model/computation.h"

namespace hpml::model {

/// Floating-point operations a second that this process reaches in plain matrix products
/// [1024, 768] x [768, 3072], those of BERT-base's feed-forward layers: the measure of a step's own
/// rate. On a CPU the faster of LibTorch's products and of our own kernels, which is which differs
/// between processors; where it has no arithmetic of the precision's own, of fp32 factors. Takes
/// two tenths of a second.
/// @param place  of the operands; its type does not matter
[[nodiscard]] double measure_gemm_rate(const at::TensorOptions& place, Precision precision);

}  // namespace hpml::model
