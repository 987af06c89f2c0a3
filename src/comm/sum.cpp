#include "comm/sum.h"

#include <cstddef>

#include "base/error.h"

namespace hpml::comm {

namespace {

// The sanitizers' start-up code runs after the resolvers that target_clones makes, which then
// crash.
#if defined(__x86_64__) && !defined(HPML_SANITIZED)
[[gnu::target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")]]
#endif
void add_arrays(float* __restrict__ sum, const float* __restrict__ other, std::size_t count) {
    // A fixed inner count: at -O2 the compiler vectorises only loops whose remainder it knows.
    constexpr std::size_t kBlock = 64;
    std::size_t i = 0;
    for (; i + kBlock <= count; i += kBlock) {
        for (std::size_t k = 0; k < kBlock; ++k) {
            sum[i + k] += other[i + k];
        }
    }
    for (; i < count; ++i) {
        sum[i] += other[i];
    }
}

}  // namespace

void add(std::span<float> sum, std::span<const float> other) {
    expects(sum.size() == other.size(), "equally long summands");
    add_arrays(sum.data(), other.data(), sum.size());
}

}  // namespace hpml::comm
