#pragma once

#include "model/kernels/kernels.h"

namespace hpml::model {

// The table of each instruction set's file.
[[nodiscard]] Kernels portable_kernels();
[[nodiscard]] Kernels v3_kernels();
[[nodiscard]] Kernels v4_kernels();
void multiply_bfloat16(const Product& product, PackSpace space);

}  // namespace hpml::model
