#include "optim/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace hpml::optim {

namespace {

/// The share of the way from the end of the warm-up to the last step, not capped.
double progress(const ScheduleOptions& options, double step) {
    const auto warmup = static_cast<double>(options.warmup_steps);
    const auto total = static_cast<double>(options.total_steps);
    return (step - warmup) / std::max(1.0, total - warmup);
}

double linear(const ScheduleOptions& options, double step) {
    return std::max(0.0, 1.0 - progress(options, step));
}

double constant(const ScheduleOptions&, double) { return 1.0; }

double cosine(const ScheduleOptions& options, double step) {
    const double p = std::min(1.0, progress(options, step));
    return 0.5 * (1.0 + std::cos(std::numbers::pi * p));
}

double cosine_restarts(const ScheduleOptions& options, double step) {
    const double p = progress(options, step);
    if (p >= 1.0) {
        return 0.0;
    }
    const double within = std::fmod(static_cast<double>(options.cycles) * p, 1.0);
    return 0.5 * (1.0 + std::cos(std::numbers::pi * within));
}

double polynomial(const ScheduleOptions& options, double step) {
    const double left = std::max(0.0, 1.0 - progress(options, step));
    return (options.end + (options.peak - options.end) * std::pow(left, options.power)) /
           options.peak;
}

double inverse_sqrt(const ScheduleOptions& options, double step) {
    const auto warmup = static_cast<double>(options.warmup_steps);
    const double scale = options.warmup_steps > 0 ? warmup : 10000.0;
    return 1.0 / std::sqrt((step + scale - warmup) / scale);
}

/// PolyWarmUp of NVIDIA's DeepLearningExamples: the decay starts from 1 - p, not from the end of
/// the warm-up, so the rate falls by a jump there. Kept as it is: published results depend on it.
double poly_nvidia(const ScheduleOptions& options, std::int64_t step) {
    const auto total = static_cast<double>(options.total_steps);
    const double warmup = options.warmup_proportion > 0.0
                              ? options.warmup_proportion
                              : static_cast<double>(options.warmup_steps) / total;
    const double p = static_cast<double>(step + 1) / total;
    return p < warmup ? p / warmup : std::sqrt(std::max(0.0, 1.0 - p));
}

}  // namespace

double learning_rate(const ScheduleOptions& options, std::int64_t step) {
    if (options.name == "poly_nvidia") {
        return options.peak * poly_nvidia(options, step);
    }
    using Decay = double (*)(const ScheduleOptions&, double);
    constexpr std::array<std::pair<std::string_view, Decay>, 6> decays = {{
        {"linear", linear},
        {"constant", constant},
        {"cosine", cosine},
        {"cosine_restarts", cosine_restarts},
        {"polynomial", polynomial},
        {"inverse_sqrt", inverse_sqrt},
    }};
    const auto found = std::find_if(decays.begin(), decays.end(),
                                    [&](const auto& entry) { return entry.first == options.name; });
    if (found == decays.end()) {
        throw UsageError("unknown schedule '" + options.name +
                         "'; known: linear, constant, cosine, cosine_restarts, polynomial, "
                         "inverse_sqrt, poly_nvidia");
    }
    if (step < options.warmup_steps) {
        return options.peak * static_cast<double>(step) / static_cast<double>(options.warmup_steps);
    }
    return options.peak * found->second(options, static_cast<double>(step));
}

}  // namespace hpml::optim
