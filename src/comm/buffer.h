#pragma once

#include <string_view>

#include "hpml/comm_types.h"

namespace hpml::comm {

/// "f32", "bf16", ...
[[nodiscard]] std::string_view name_of(DataType type);
/// "sum", "avg", ...
[[nodiscard]] std::string_view name_of(ReduceOp op);

}  // namespace hpml::comm
