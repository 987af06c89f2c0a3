#include "model/gemm_rate.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/clock.h"
#include "base/instruction_set.h"
#include "model/fused/machine.h"

namespace hpml::model {

namespace {

constexpr std::int64_t kRows = 1024;
constexpr std::int64_t kInputs = 768;
constexpr std::int64_t kOutputs = 3072;

/// Seconds of the fastest run of `work` within a tenth of a second.
template <typename Work>
double fastest(const Work& work) {
    constexpr Seconds kEnough{0.1};
    work();
    double best = std::numeric_limits<double>::infinity();
    for (const Stopwatch all; all.elapsed() < kEnough;) {
        const Stopwatch one;
        work();
        best = std::min(best, one.elapsed().value);
    }
    return best;
}

at::ScalarType factor_type(bool on_cpu, Precision precision) {
    switch (precision) {
        case Precision::BFloat16:
            return on_cpu && !has_native_bfloat16() ? at::kFloat : at::kBFloat16;
        case Precision::Half:
            return on_cpu ? at::kFloat : at::kHalf;
        case Precision::Float32:
            break;
    }
    return at::kFloat;
}

/// Of a product of kRows x kInputs with kInputs x kOutputs, and room for it.
struct Factors {
    explicit Factors(const at::TensorOptions& type)
        : left(at::full({kRows, kInputs}, 0.5, type)),
          right(at::full({kInputs, kOutputs}, 0.25, type)),
          result(at::full({kRows, kOutputs}, 0, type)) {}

    at::Tensor left;
    at::Tensor right;
    at::Tensor result;
};

double library_seconds(const at::TensorOptions& type) {
    Factors factors(type);
    // The value is waited for: a device computes behind the program's back.
    return fastest([&] {
        at::mm_out(factors.result, factors.left, factors.right);
        (void)factors.result.select(0, 0).select(0, 0).item<float>();
    });
}

double own_seconds(const at::TensorOptions& place, Rounding rounding) {
    const Factors factors(place.dtype(at::kFloat));
    const Machine machine(rounding, std::make_shared<BufferPool>());
    return fastest([&] {
        machine.multiply({kRows, kOutputs, kInputs,
                          rows_of(factors.left.const_data_ptr<float>(), kInputs),
                          rows_of(factors.right.const_data_ptr<float>(), kOutputs),
                          factors.result.mutable_data_ptr<float>(), kOutputs});
    });
}

}  // namespace

double measure_gemm_rate(const at::TensorOptions& place, Precision precision) {
    const at::NoGradGuard no_grad;
    const bool on_cpu = place.device().is_cpu();
    const at::ScalarType type = factor_type(on_cpu, precision);
    double seconds = library_seconds(place.dtype(type));
    if (on_cpu) {
        const Rounding rounding = type == at::kBFloat16 ? Rounding::BFloat16 : Rounding::None;
        seconds = std::min(seconds, own_seconds(place, rounding));
    }
    return 2.0 * kRows * kInputs * kOutputs / seconds;
}

}  // namespace hpml::model
