#include "optim/moments.h"

#include <ATen/ops/sqrt.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

namespace hpml::optim {

Moments::Moments(const OptimizerOptions& options, const at::Tensor& like)
    : beta1_(options.beta1),
      beta2_(options.beta2),
      epsilon_(options.epsilon),
      bias_correction_(options.bias_correction),
      mean_(at::zeros_like(like)),
      square_(at::zeros_like(like)) {}

void Moments::update(const Block& block, const at::Tensor& gradient) const {
    part(mean_, block).lerp_(gradient, 1.0 - beta1_);
    part(square_, block).mul_(beta2_).addcmul_(gradient, gradient, 1.0 - beta2_);
}

at::Tensor Moments::denominator(const Block& block, std::int64_t t) const {
    at::Tensor root = at::sqrt(part(square_, block));
    if (bias_correction_) {
        root.div_(std::sqrt(1.0 - std::pow(beta2_, static_cast<double>(t))));
    }
    return root.add_(epsilon_);
}

double Moments::mean_correction(std::int64_t t) const {
    return bias_correction_ ? 1.0 - std::pow(beta1_, static_cast<double>(t)) : 1.0;
}

std::vector<StateTensor> Moments::state(const std::vector<Segment>& segments) const {
    std::vector<StateTensor> all;
    for (const Segment& segment : segments) {
        all.push_back({"exp_avg." + segment.name, view(mean_, segment)});
        all.push_back({"exp_avg_sq." + segment.name, view(square_, segment)});
    }
    return all;
}

}  // namespace hpml::optim
