#include "train/gemm_rate.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <limits>
#include <span>

#include "base/clock.h"

namespace hpml::train {

double measure_gemm_rate(const at::TensorOptions& type, const mpi::Communicator& ranks) {
    constexpr std::int64_t kSize = 1024;
    constexpr Seconds kEnough{0.1};
    const at::NoGradGuard no_grad;
    const at::Tensor a = at::full({kSize, kSize}, 0.5, type);
    const at::Tensor b = at::full({kSize, kSize}, 0.25, type);
    // The value is waited for: a device computes behind the program's back.
    const auto multiply = [&] { return at::mm(a, b).select(0, 0).select(0, 0).item<float>(); };
    (void)multiply();
    ranks.barrier();
    double best = std::numeric_limits<double>::infinity();
    for (const Stopwatch all; all.elapsed() < kEnough;) {
        const Stopwatch one;
        (void)multiply();
        best = std::min(best, one.elapsed().value);
    }
    double rate = 2.0 * kSize * kSize * kSize / best;
    ranks.sum(std::span(&rate, 1));
    return rate;
}

}  // namespace hpml::train
