#pragma once

#include <span>

namespace hpml::comm {

/// sum[i] = sum[i] + other[i]. The spans are equally long and do not overlap. Compiled for several
/// instruction sets; every one gives the same bits, because each element is one addition.
void add(std::span<float> sum, std::span<const float> other);

}  // namespace hpml::comm
