#pragma once

#include "optim/kernels/kernels.h"

namespace hpml::optim {

// The kernels as each instruction set's file has compiled them.
[[nodiscard]] const Kernels& kernels_portable();
[[nodiscard]] const Kernels& kernels_v3();
[[nodiscard]] const Kernels& kernels_v4();

}  // namespace hpml::optim
