#pragma once

#include <ATen/core/Tensor.h>

#include "mpi/communicator.h"

namespace hpml::train {

/// Floating-point operations a second that all ranks together reach in plain matrix products of
/// 1024 x 1024 x 1024, all of them multiplying at the same time, as in a training: the measure of a
/// step's own rate. Takes a tenth of a second. Collective.
/// @param type  of the operands
[[nodiscard]] double measure_gemm_rate(const at::TensorOptions& type,
                                       const mpi::Communicator& ranks);

}  // namespace hpml::train
