#include "comm/buffer.h"

#include <array>

namespace hpml::comm {

std::string_view name_of(DataType type) {
    constexpr std::array<std::string_view, 8> kNames = {"u8",  "i8",   "i32", "i64",
                                                        "f16", "bf16", "f32", "f64"};
    return kNames[static_cast<std::size_t>(type)];
}

std::string_view name_of(ReduceOp op) {
    constexpr std::array<std::string_view, 5> kNames = {"sum", "avg", "min", "max", "prod"};
    return kNames[static_cast<std::size_t>(op)];
}

}  // namespace hpml::comm
