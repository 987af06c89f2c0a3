#include "optim/rules.h"

#include <algorithm>
#include <cmath>

namespace hpml::optim {

namespace {

constexpr double kScaleFloor = 1e-3;  // eps[1] of Hugging Face's Adafactor

}  // namespace

double trust_ratio(const OptimizerOptions& options, const Segment& segment, double weight_squares,
                   double update_squares) {
    const bool adapts = segment.decay || options.adapt_without_decay;
    if (!adapts || !(weight_squares > 0.0) || !(update_squares > 0.0)) {
        return 1.0;
    }
    const double ratio = std::sqrt(weight_squares / update_squares);
    return options.trust_ratio_max > 0.0
               ? std::clamp(ratio, options.trust_ratio_min, options.trust_ratio_max)
               : ratio;
}

double adafactor_step(const OptimizerOptions& options, std::int64_t t, double learning_rate,
                      double value_size) {
    const auto steps = static_cast<double>(t);
    const double step = options.relative_step ? std::min(options.warmup_init ? 1e-6 * steps : 1e-2,
                                                         1.0 / std::sqrt(steps))
                                              : learning_rate;
    return options.scale_parameter ? step * std::max(kScaleFloor, value_size) : step;
}

}  // namespace hpml::optim
