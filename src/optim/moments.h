#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "optim/blocks.h"
#include "optim/optimizer.h"

namespace hpml::optim {

/// The exponential averages of the gradient and of its square that Adam and LAMB share.
class Moments {
  public:
    Moments(const OptimizerOptions& options, const at::Tensor& like);

    /// Take the gradient of one block in.
    void update(const Block& block, const at::Tensor& gradient) const;
    /// sqrt(v / (1 - beta2^t)) + epsilon of one block, a temporary of the block's size.
    [[nodiscard]] at::Tensor denominator(const Block& block, std::int64_t t) const;
    [[nodiscard]] at::Tensor mean(const Block& block) const { return part(mean_, block); }
    /// 1 - beta1^t, or 1 without bias correction.
    [[nodiscard]] double mean_correction(std::int64_t t) const;
    [[nodiscard]] std::vector<StateTensor> state(const std::vector<Segment>& segments) const;

  private:
    double beta1_;
    double beta2_;
    double epsilon_;
    bool bias_correction_;
    at::Tensor mean_;
    at::Tensor square_;
};

}  // namespace hpml::optim
