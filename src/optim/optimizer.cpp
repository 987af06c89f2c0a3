#include "optim/optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/dot.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "optim/kernels/kernels.h"
#include "optim/kinds.h"
#include "optim/layout.h"
#include "optim/require.h"

namespace hpml::optim {

namespace {

/// Refuse what the optimizer would ignore. Betas, epsilon and decay are not looked at: recipes that
/// compare optimizers give them to all.
void check_owners(const OptimizerOptions& options) {
    const OptimizerOptions unset;
    const auto belongs = [&](bool is_given, std::string_view option,
                             const std::vector<std::string_view>& owners) {
        const bool fits = std::find(owners.begin(), owners.end(), options.name) != owners.end();
        require(!is_given || fits,
                fmt::format("--{} belongs to {} ({} would ignore it); leave it out or choose "
                            "another --optimizer",
                            option, fmt::join(owners, ", "), options.name));
    };
    belongs(options.relative_step, "relative-step", {"adafactor"});
    belongs(options.scale_parameter, "scale-parameter", {"adafactor"});
    belongs(options.warmup_init, "warmup-init", {"adafactor"});
    belongs(options.adafactor_momentum, "adafactor-momentum", {"adafactor"});
    belongs(options.decay_rate != unset.decay_rate, "adafactor-decay-rate", {"adafactor"});
    belongs(options.clip_threshold != unset.clip_threshold, "clip-threshold", {"adafactor"});
    belongs(options.trust_ratio_min != 0.0, "trust-ratio-min", {"lamb"});
    belongs(options.trust_ratio_max != 0.0, "trust-ratio-max", {"lamb"});
    belongs(options.max_grad_norm != 0.0, "max-grad-norm", {"lamb"});
    belongs(!options.grad_averaging, "grad-averaging", {"lamb"});
    belongs(!options.adapt_without_decay, "use-nvlamb", {"lamb"});
    belongs(options.first_moment != FirstMoment::F32, "first-moment", {"adam", "adamw", "lamb"});
    belongs(!options.bias_correction, "bias-correction", {"adam", "adamw", "lamb", "muon"});
    belongs(options.momentum.has_value(), "momentum", {"sgd", "muon"});
    belongs(options.nesterov.has_value(), "nesterov", {"sgd", "muon"});
    belongs(options.ns_steps != unset.ns_steps, "ns-steps", {"muon"});
    belongs(options.adjust_lr != unset.adjust_lr, "adjust-lr", {"muon"});
}

void check_segments(std::vector<Segment> segments, std::int64_t total) {
    std::sort(segments.begin(), segments.end(),
              [](const Segment& a, const Segment& b) { return a.offset < b.offset; });
    std::int64_t next = 0;
    for (const Segment& segment : segments) {
        expects(segment.offset >= next, "segments that do not overlap");
        next = segment.offset + segment.count();
    }
    expects(next <= total, "segments within the flat buffer");
}

}  // namespace

std::int64_t Segment::count() const {
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

bool is_hidden_matrix(std::string_view name, const std::vector<std::int64_t>& shape) {
    return shape.size() == 2 && name.find(".encoder.layer.") != std::string_view::npos;
}

bool StateTensor::is_whole() const {
    return tensor.numel() ==
           std::accumulate(whole.begin(), whole.end(), std::int64_t{1}, std::multiplies<>());
}

namespace {

using OnCpu = std::unique_ptr<Optimizer> (*)(OptimizerPlan);
using OnDevice = std::unique_ptr<Optimizer> (*)(const OptimizerOptions&, std::vector<Segment>,
                                                const at::Tensor&);
struct Makers {
    OnCpu on_cpu;
    OnDevice on_device;
};

Makers makers_of(const std::string& name) {
    if (name == "adam" || name == "adamw") {
        return {make_adam, make_adam_on_device};
    }
    if (name == "lamb") {
        return {make_lamb, make_lamb_on_device};
    }
    if (name == "adafactor") {
        return {make_adafactor, make_adafactor_on_device};
    }
    if (name == "sgd") {
        return {make_sgd, make_sgd_on_device};
    }
    throw UsageError("unknown optimizer '" + name +
                     "'; known: lamb, adafactor, adamw, adam, sgd, muon");
}

std::unique_ptr<Optimizer> make(OptimizerPlan plan, const at::Tensor& like) {
    const Makers makers = makers_of(plan.options.name);
    if (like.is_cpu()) {
        return makers.on_cpu(std::move(plan));
    }
    return makers.on_device(plan.options, std::move(plan.segments), like);
}

std::unique_ptr<Optimizer> make_muon_with_adamw(OptimizerPlan plan, const at::Tensor& like) {
    OptimizerPlan others = plan;
    others.options.name = "adamw";
    std::erase_if(others.segments, [](const Segment& segment) { return segment.hidden_matrix; });
    return make_muon(std::move(plan), like, make(std::move(others), like));
}

}  // namespace

void check_optimizer(const OptimizerOptions& options) {
    if (options.name != "muon") {
        (void)makers_of(options.name);
    }
    require(
        options.beta1 >= 0.0 && options.beta1 < 1.0 && options.beta2 >= 0.0 && options.beta2 < 1.0,
        "the optimizer's betas must be at least 0 and below 1");
    require(options.epsilon >= 0.0 && options.weight_decay >= 0.0,
            "the optimizer's epsilon and weight decay must not be negative");
    check_owners(options);
    require(!options.warmup_init || options.relative_step,
            "warmup-init needs relative-step (it only shapes the relative step size)");
    const bool clamps = options.trust_ratio_min != 0.0 || options.trust_ratio_max != 0.0;
    require(!clamps || (options.trust_ratio_min >= 0.0 &&
                        options.trust_ratio_min <= options.trust_ratio_max),
            "the least trust ratio must not be above the greatest");
    require(options.max_grad_norm >= 0.0, "max-grad-norm must not be negative");
    const double momentum = options.momentum.value_or(0.0);
    require(momentum >= 0.0 && momentum < 1.0, "the momentum must be at least 0 and below 1");
    require(!options.nesterov.value_or(false) || options.momentum.value_or(kDefaultMomentum) > 0.0,
            "nesterov needs a momentum above 0");
    require(options.adjust_lr == "original" || options.adjust_lr == "match_rms_adamw",
            "unknown adjustment '" + options.adjust_lr +
                "' of muon's learning rate; known: original, match_rms_adamw");
    require(options.ns_steps >= 0 && options.ns_steps < 100,
            "muon's Newton-Schulz steps must be below 100");
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options,
                                          std::vector<Segment> segments, const at::Tensor& like,
                                          const std::optional<Sharding>& sharding) {
    check_optimizer(options);
    check_segments(segments, like.numel());
    OptimizerPlan plan{options, std::move(segments), {0, like.numel()}, {}};
    require(like.is_cpu() || !sharding, "a sharded optimizer state needs the CPU for now");
    require(like.is_cpu() || options.first_moment == FirstMoment::F32,
            "a first moment in bf16 needs the CPU for now");
    if (sharding) {
        plan.shard = sharding->own;
        plan.sum = sharding->sum;
    }
    return options.name == "muon" ? make_muon_with_adamw(std::move(plan), like)
                                  : make(std::move(plan), like);
}

double sum_of_squares(const at::Tensor& flat) {
    if (!flat.is_cpu()) {
        return static_cast<double>(at::dot(flat, flat).item<float>());
    }
    const auto* values = flat.const_data_ptr<float>();
    const std::int64_t count = flat.numel();
    std::vector<double> partial(
        static_cast<std::size_t>((count + kBlockElements - 1) / kBlockElements));
    for_each({0, partial.size()}, [&](std::size_t i) {
        const std::int64_t begin = static_cast<std::int64_t>(i) * kBlockElements;
        partial[i] = kernels().sum_of_squares(
            values + begin, static_cast<std::size_t>(std::min(kBlockElements, count - begin)));
    });
    return std::accumulate(partial.begin(), partial.end(), 0.0);
}

double clip_factor(double norm, double max_norm) {
    // The constant of torch's clip_grad_norm_.
    return max_norm > 0.0 && std::isfinite(norm) && norm > max_norm ? max_norm / (norm + 1e-6)
                                                                    : 1.0;
}

double clip_by_global_norm(const at::Tensor& gradients, double max_norm) {
    const double norm = std::sqrt(sum_of_squares(gradients));
    if (const double factor = clip_factor(norm, max_norm); factor != 1.0) {
        const at::NoGradGuard no_grad;
        const at::Tensor target = gradients;
        target.mul_(factor);
    }
    return norm;
}

}  // namespace hpml::optim
