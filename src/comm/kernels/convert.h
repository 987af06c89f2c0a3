#pragma once

#include <cstddef>

#include "comm/buffer.h"

namespace hpml::comm {

/// The type in which elements must travel where they are combined rank by rank and must not be
/// rounded, or overflow, on the way: F32 for the 16-bit floating types, I64 for the mean of shorter
/// whole numbers, else the type itself.
[[nodiscard]] DataType travel_type(DataType type, ReduceOp op);

/// to[i] = from[i] in `travel_type`. The two do not overlap.
void widen(const Buffer& from, std::byte* to);
/// to[i] = from[i], of `travel_type`, rounded to nearest even or cut to the low bits.
void narrow(const std::byte* from, const Buffer& to);

}  // namespace hpml::comm
