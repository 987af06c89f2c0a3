#include "train/step.h"

#include <ATen/core/grad_mode.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/named_operator.h"

namespace hpml::train {

namespace {

at::Tensor scaled(const at::Tensor& loss, double scale) {
    return scale == 1 ? loss : loss.mul(scale);
}

}  // namespace

StepRunner::Summed StepRunner::sum_in_buckets(std::int64_t micro_batches, const Forward& forward) {
    using comm::TracePoint;
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
            scaled(loss.sum, scale()).backward();
        }
        const at::NoGradGuard no_grad;
        const at::Tensor value = loss.sum.detach().to(at::kDouble);
        loss_sum = loss_sum.defined() ? loss_sum.add(value) : value;
        weight += static_cast<double>(loss.weight);
    }
    if (micro_batches == 0) {
        parts_.reducer.arm();
    }
    const comm::Watchdog::Wait wait(parts_.watchdog, "the sums of the gradients");
    const std::optional<comm::Found> found = parts_.reducer.finish();
    return {loss_sum.defined() ? loss_sum.item<double>() : 0.0, weight, found};
}

StepRunner::Summed StepRunner::sum_elastically(std::int64_t micro_batches, const Forward& forward) {
    using comm::ElasticSum;
    const at::Tensor gradients = parts_.arena.gradients();
    const std::span<float> values(gradients.mutable_data_ptr<float>(),
                                  static_cast<std::size_t>(gradients.numel()));
    Summed summed;
    auto outcome = ElasticSum::Outcome::Redo;
    while (outcome == ElasticSum::Outcome::Redo) {
        summed = {};
        parts_.elastic->begin();
        for (std::int64_t micro = 0; micro < micro_batches; ++micro) {
            // Each micro-batch is a term of its own: their sums in fp32 would depend on who has
            // which.
            parts_.arena.zero_gradients();
            const model::LossSum loss = [&] {
                const comm::Trace::Span span(parts_.trace, comm::TracePoint::Forward);
                return forward(micro);
            }();
            {
                const comm::Trace::Span span(parts_.trace, comm::TracePoint::Backward);
                scaled(loss.sum, scale()).backward();
            }
            {
                const model::NamedOperator record("hpml::elastic_sum");
                parts_.elastic->add(0, values);
            }
            summed.loss += loss.sum.item<double>();
            summed.weight += static_cast<double>(loss.weight);
        }
        const comm::Watchdog::Wait wait(parts_.watchdog, "the sums of the gradients");
        const comm::Trace::Span span(parts_.trace, comm::TracePoint::Wait);
        const model::NamedOperator record("hpml::all_reduce_wait");
        outcome = parts_.elastic->finish(values);
    }
    if (outcome == ElasticSum::Outcome::NonFinite) {
        summed.found = comm::Found{.non_finite = true};
    }
    return summed;
}

StepResult StepRunner::run(std::int64_t micro_batches, const Forward& forward,
                           const optim::Rates& rates, std::span<double> votes) {
    using comm::TracePoint;
    const comm::Trace::Span step_span(parts_.trace, TracePoint::Step);
    const Summed summed = parts_.elastic != nullptr ? sum_elastically(micro_batches, forward)
                                                    : sum_in_buckets(micro_batches, forward);

    std::vector<double> control(votes.begin(), votes.end());
    control.push_back(summed.loss);
    control.push_back(summed.weight);
    {
        const comm::Watchdog::Wait wait(parts_.watchdog, "the losses");
        const model::NamedOperator record("hpml::sum_of_losses");
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
    const double divisor = scale() * result.weight;
    result.gradient_norm = gradient_norm(summed.found) / divisor;
    // The same sums stand on every rank, so every rank takes this decision alike.
    if (parts_.scaler != nullptr && std::isfinite(result.loss) &&
        !parts_.scaler->judge(std::isfinite(result.gradient_norm))) {
        result.overflowed = true;
    }
    if (result.has_update()) {
        if (parts_.before_update) {
            parts_.before_update();
        }
        const model::NamedOperator record("hpml::optimizer_step");
        // The mean and the clipping are part of the optimizer's own pass over the gradients.
        const double clip = optim::clip_factor(result.gradient_norm, clip_norm_);
        parts_.optimizer.step(parts_.arena.parameters(), parts_.arena.gradients(),
                              {.learning_rate = rates.learning_rate,
                               .gradient_scale = clip / divisor,
                               .gradient_norm = clip * result.gradient_norm,
                               .momentum = rates.momentum});
        gather_parameters();
    }
    return result;
}

void StepRunner::gather_parameters() const {
    if (parts_.shards.empty()) {
        return;
    }
    const comm::Watchdog::Wait wait(parts_.watchdog, "the updated parameters");
    const model::NamedOperator record("hpml::gather_parameters");
    const comm::Trace::Span span(parts_.trace, comm::TracePoint::Gather);
    std::vector<std::int64_t> counts;
    for (const optim::Shard& shard : parts_.shards) {
        counts.push_back(shard.length());
    }
    const at::Tensor& parameters = parts_.arena.parameters();
    parts_.ranks.all_gather(std::span(parameters.mutable_data_ptr<float>(),
                                      static_cast<std::size_t>(parameters.numel())),
                            counts);
}

void require_finite(const StepResult& result) {
    if (!result.is_finite()) {
        throw DivergedError(
            "loss " + std::to_string(result.loss) + ", gradient norm " +
            std::to_string(result.gradient_norm) +
            " (the weights were not touched); lower the learning rate, lengthen the "
            "warm-up or clip harder, and start the same command again to resume");
    }
}

double StepRunner::gradient_norm(const std::optional<comm::Found>& found) const {
    if (!found) {
        return std::sqrt(optim::sum_of_squares(parts_.arena.gradients()));
    }
    // The reduction has looked at the sums.
    return found->non_finite ? std::numeric_limits<double>::quiet_NaN()
                             : std::sqrt(found->sum_of_squares);
}

}  // namespace hpml::train
