#include "optim/moments.h"

#include <ATen/ops/zeros.h>

#include <cmath>

namespace hpml::optim {

Moments::Moments(const OptimizerOptions& options, const Layout& layout)
    : mean_(at::zeros({layout.state_length()},
                      options.first_moment == FirstMoment::BF16 ? at::kBFloat16 : at::kFloat)),
      square_(at::zeros({layout.state_length()}, at::kFloat)) {}

MomentBlock Moments::at(const Block& block, const at::Tensor& parameters,
                        const at::Tensor& gradients) const {
    MomentBlock here;
    here.parameters = parameters.mutable_data_ptr<float>() + block.begin;
    here.gradients = gradients.const_data_ptr<float>() + block.begin;
    if (mean_.scalar_type() == at::kBFloat16) {
        here.narrow_mean = static_cast<std::uint16_t*>(mean_.data_ptr()) + block.state;
    } else {
        here.mean = mean_.mutable_data_ptr<float>() + block.state;
    }
    here.square = square_.mutable_data_ptr<float>() + block.state;
    here.count = static_cast<std::size_t>(block.length);
    return here;
}

MomentFactors Moments::factors(const OptimizerOptions& options, const StepArguments& arguments,
                               std::int64_t t) const {
    const double beta1 = arguments.momentum.value_or(options.beta1);
    const auto steps = static_cast<double>(t);
    MomentFactors factors;
    factors.gradient_scale = static_cast<float>(arguments.gradient_scale);
    factors.mean_keep = static_cast<float>(beta1);
    factors.mean_gain = static_cast<float>(options.grad_averaging ? 1.0 - beta1 : 1.0);
    factors.square_keep = static_cast<float>(options.beta2);
    factors.square_gain = static_cast<float>(1.0 - options.beta2);
    if (options.bias_correction) {
        factors.root_scale =
            static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(options.beta2, steps)));
        factors.mean_scale = static_cast<float>(1.0 / (1.0 - std::pow(beta1, steps)));
    }
    factors.epsilon = static_cast<float>(options.epsilon);
    return factors;
}

std::vector<StateTensor> Moments::state(const Layout& layout) const {
    std::vector<StateTensor> all;
    for (std::size_t i = 0; i < layout.segments().size(); ++i) {
        layout.append_piece(all, "exp_avg.", mean_, i);
        layout.append_piece(all, "exp_avg_sq.", square_, i);
    }
    return all;
}

}  // namespace hpml::optim
