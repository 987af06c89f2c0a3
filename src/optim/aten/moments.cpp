#include "optim/aten/moments.h"

#include <ATen/ops/sqrt.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

namespace hpml::optim {

DeviceMoments::DeviceMoments(const OptimizerOptions& options, const at::Tensor& like)
    : options_(options), mean_(at::zeros_like(like)), square_(at::zeros_like(like)) {}

void DeviceMoments::take(const at::Tensor& mean, const at::Tensor& square,
                         const at::Tensor& gradient, const StepArguments& arguments) const {
    const double beta1 = arguments.momentum.value_or(options_.beta1);
    mean.mul_(beta1).add_(gradient, options_.grad_averaging ? 1.0 - beta1 : 1.0);
    square.mul_(options_.beta2).addcmul_(gradient, gradient, 1.0 - options_.beta2);
}

at::Tensor DeviceMoments::denominator(const at::Tensor& square, std::int64_t t) const {
    at::Tensor root = at::sqrt(square);
    if (options_.bias_correction) {
        root.div_(std::sqrt(1.0 - std::pow(options_.beta2, static_cast<double>(t))));
    }
    return root.add_(options_.epsilon);
}

double DeviceMoments::mean_correction(const StepArguments& arguments, std::int64_t t) const {
    const double beta1 = arguments.momentum.value_or(options_.beta1);
    return options_.bias_correction ? 1.0 - std::pow(beta1, static_cast<double>(t)) : 1.0;
}

std::vector<StateTensor> DeviceMoments::state(const std::vector<Segment>& segments) const {
    std::vector<StateTensor> all;
    for (const Segment& segment : segments) {
        all.push_back(piece("exp_avg.", mean_, segment));
        all.push_back(piece("exp_avg_sq.", square_, segment));
    }
    return all;
}

}  // namespace hpml::optim
