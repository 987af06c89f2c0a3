#include "optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "optim/blocks.h"
#include "optim/kinds.h"

namespace hpml::optim {

namespace {

void check_options(const OptimizerOptions& options) {
    const auto require = [](bool condition, const std::string& message) {
        if (!condition) {
            throw UsageError(message);
        }
    };
    require(
        options.beta1 >= 0.0 && options.beta1 < 1.0 && options.beta2 >= 0.0 && options.beta2 < 1.0,
        "the optimizer's betas must be at least 0 and below 1");
    require(options.epsilon >= 0.0 && options.weight_decay >= 0.0,
            "the optimizer's epsilon and weight decay must not be negative");
    const bool adafactor = options.name == "adafactor";
    require(adafactor || !(options.relative_step || options.scale_parameter ||
                           options.warmup_init || options.adafactor_momentum),
            "relative-step, scale-parameter, warmup-init and a switchable first moment belong to "
            "adafactor, not to " +
                options.name);
    require(!options.warmup_init || options.relative_step,
            "warmup-init needs relative-step (it only shapes the relative step size)");
    const bool clamps = options.trust_ratio_min != 0.0 || options.trust_ratio_max != 0.0;
    require(!clamps || options.name == "lamb",
            "a limit on the trust ratio belongs to lamb, not to " + options.name);
    require(!clamps || (options.trust_ratio_min >= 0.0 &&
                        options.trust_ratio_min <= options.trust_ratio_max),
            "the least trust ratio must not be above the greatest");
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

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options,
                                          std::vector<Segment> segments, const at::Tensor& like) {
    using Make = std::unique_ptr<Optimizer> (*)(const OptimizerOptions&, std::vector<Segment>,
                                                const at::Tensor&);
    Make make = nullptr;
    if (options.name == "adam" || options.name == "adamw") {
        make = make_adam;
    } else if (options.name == "lamb") {
        make = make_lamb;
    } else if (options.name == "adafactor") {
        make = make_adafactor;
    } else {
        throw UsageError("unknown optimizer '" + options.name +
                         "'; known: lamb, adafactor, adamw, adam");
    }
    check_options(options);
    check_segments(segments, like.numel());
    return make(options, std::move(segments), like);
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
