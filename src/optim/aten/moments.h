#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "optim/aten/operators.h"
#include "optim/optimizer.h"

namespace hpml::optim {

/// The exponential averages of the gradient and of its square that Adam and LAMB share, by
/// LibTorch's operators.
class DeviceMoments {
  public:
    DeviceMoments(const OptimizerOptions& options, const at::Tensor& like);

    /// Take a gradient in; `mean` and `square` are views of mean() and square().
    void take(const at::Tensor& mean, const at::Tensor& square, const at::Tensor& gradient,
              const StepArguments& arguments) const;
    /// sqrt(v / (1 - beta2^t)) + epsilon, a temporary.
    [[nodiscard]] at::Tensor denominator(const at::Tensor& square, std::int64_t t) const;
    /// 1 - beta1^t, or 1 without bias correction.
    [[nodiscard]] double mean_correction(const StepArguments& arguments, std::int64_t t) const;
    [[nodiscard]] const at::Tensor& mean() const { return mean_; }
    [[nodiscard]] const at::Tensor& square() const { return square_; }
    [[nodiscard]] std::vector<StateTensor> state(const std::vector<Segment>& segments) const;

  private:
    OptimizerOptions options_;
    at::Tensor mean_;
    at::Tensor square_;
};

}  // namespace hpml::optim
