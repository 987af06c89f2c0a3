#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "optim/kernels/kernels.h"
#include "optim/layout.h"
#include "optim/optimizer.h"

namespace hpml::optim {

/// The exponential averages of the gradient and of its square, which Adam and LAMB have alike, on
/// the CPU, for the own blocks of a layout.
class Moments {
  public:
    Moments(const OptimizerOptions& options, const Layout& layout);

    /// The addresses of a block of the flat buffers and of its moments.
    [[nodiscard]] MomentBlock at(const Block& block, const at::Tensor& parameters,
                                 const at::Tensor& gradients) const;
    /// The factors of step t but for decay and rate.
    [[nodiscard]] MomentFactors factors(const OptimizerOptions& options,
                                        const StepArguments& arguments, std::int64_t t) const;
    [[nodiscard]] std::vector<StateTensor> state(const Layout& layout) const;

  private:
    at::Tensor mean_;
    at::Tensor square_;
};

}  // namespace hpml::optim
