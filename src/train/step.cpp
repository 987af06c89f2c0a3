#include "train/step.h"

#include <ATen/core/grad_mode.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"

namespace hpml::train {

StepResult StepRunner::run(std::int64_t micro_batches, const Forward& forward, double learning_rate,
                           std::span<double> votes) {
    using comm::TracePoint;
    const comm::Trace::Span step_span(parts_.trace, TracePoint::Step);
    parts_.arena.zero_gradients();
    at::Tensor loss_sum;
    double weight = 0;
    for (std::int64_t micro = 0; micro < micro_batches; ++micro) {
        const model::LossSum loss = [&] {
            const comm::Trace::Span span(parts_.trace, TracePoint::Forward);
            return forward(micro);
        }();
        if (micro == micro_batches - 1) {
            parts_.reducer.arm();
        }
        {
            const comm::Trace::Span span(parts_.trace, TracePoint::Backward);
            loss.sum.backward();
        }
        const at::NoGradGuard no_grad;
        const at::Tensor value = loss.sum.detach().to(at::kDouble);
        loss_sum = loss_sum.defined() ? loss_sum.add(value) : value;
        weight += static_cast<double>(loss.weight);
    }
    if (micro_batches == 0) {
        parts_.reducer.arm();
    }
    std::optional<comm::Found> found;
    {
        const comm::Watchdog::Wait wait(parts_.watchdog, "the sums of the gradients");
        found = parts_.reducer.finish();
    }

    std::vector<double> control(votes.begin(), votes.end());
    control.push_back(loss_sum.defined() ? loss_sum.item<double>() : 0.0);
    control.push_back(weight);
    {
        const comm::Watchdog::Wait wait(parts_.watchdog, "the losses");
        const comm::Trace::Span span(parts_.trace, TracePoint::Control);
        parts_.ranks.sum(control);
    }
    std::copy_n(control.begin(), votes.size(), votes.begin());

    const comm::Trace::Span update_span(parts_.trace, TracePoint::Update);
    const at::NoGradGuard no_grad;
    StepResult result;
    result.weight = control.back();
    expects(result.weight > 0, "a global batch that counts for something");
    result.loss = control[votes.size()] / result.weight;
    result.gradient_norm = finish_gradients(found, result.weight);
    // The same sums stand on every rank, so every rank takes this decision alike.
    if (!std::isfinite(result.loss) || !std::isfinite(result.gradient_norm)) {
        throw DivergedError(
            "loss " + std::to_string(result.loss) + ", gradient norm " +
            std::to_string(result.gradient_norm) +
            " (the weights were not touched); lower the learning rate, lengthen the "
            "warm-up or clip harder, and start the same command again to resume");
    }
    parts_.optimizer.step(parts_.arena.parameters(), parts_.arena.gradients(), learning_rate);
    return result;
}

double StepRunner::finish_gradients(const std::optional<comm::Found>& found, double weight) {
    const at::Tensor gradients = parts_.arena.gradients();
    if (!found) {
        gradients.mul_(1.0 / weight);
        return optim::clip_by_global_norm(gradients, clip_norm_);
    }
    // The reduction has looked at the sums: one pass is left.
    if (found->non_finite) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    const double norm = std::sqrt(found->sum_of_squares) / weight;
    gradients.mul_(optim::clip_factor(norm, clip_norm_) / weight);
    return norm;
}

}  // namespace hpml::train
