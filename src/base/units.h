#pragma once

#include <cstdint>

#include "hpml/units.h"

namespace hpml {

using Tokens = Quantity<struct TokensTag, std::int64_t>;
using Step = Quantity<struct StepTag, std::int64_t>;  ///< optimizer steps, counted from 0
using Rank = Quantity<struct RankTag, int>;

constexpr Bytes kib(double count) { return Bytes(static_cast<std::uint64_t>(count * 1024.0)); }
constexpr Bytes mib(double count) { return Bytes(static_cast<std::uint64_t>(count * 1048576.0)); }

}  // namespace hpml
