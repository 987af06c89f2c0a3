#pragma once

#include "comm/kernels/kernels.h"

namespace hpml::comm {

// The reduction as each instruction set's file has compiled it.
Found reduce_portable(const Reduction& work);
Found reduce_v3(const Reduction& work);
Found reduce_v4(const Reduction& work);

}  // namespace hpml::comm
