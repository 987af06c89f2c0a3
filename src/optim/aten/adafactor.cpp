#include <ATen/core/grad_mode.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "optim/aten/operators.h"
#include "optim/kinds.h"
#include "optim/rules.h"

namespace hpml::optim {

namespace {

double root_mean_square(const at::Tensor& flat) {
    return std::sqrt(sum_of_squares(flat) /
                     static_cast<double>(std::max<std::int64_t>(1, flat.numel())));
}

/// Second moments of one parameter: its rows' and columns' means where it has both, else all.
struct SecondMoment {
    at::Tensor row;
    at::Tensor column;
    at::Tensor all;
};

class DeviceAdafactor : public Optimizer {
  public:
    DeviceAdafactor(const OptimizerOptions& options, std::vector<Segment> segments,
                    const at::Tensor& like)
        : options_(options),
          segments_(std::move(segments)),
          update_(at::zeros_like(like)),
          momentum_(options.adafactor_momentum && options.beta1 > 0.0) {
        if (momentum_) {
            mean_ = at::zeros_like(like);
        }
        for (const Segment& segment : segments_) {
            moments_.push_back(zero_moment(segment.shape, like));
        }
    }

    std::string_view name() const override { return "adafactor"; }

    std::vector<StateTensor> state() override {
        std::vector<StateTensor> all;
        const auto add = [&](const std::string& name, const at::Tensor& tensor) {
            all.push_back({name, tensor, 0, tensor.sizes().vec()});
        };
        for (std::size_t i = 0; i < segments_.size(); ++i) {
            const std::string& name = segments_[i].name;
            if (momentum_) {
                all.push_back(piece("exp_avg.", mean_, segments_[i]));
            }
            if (moments_[i].all.defined()) {
                add("exp_avg_sq." + name, moments_[i].all);
            } else {
                add("exp_avg_sq_row." + name, moments_[i].row);
                add("exp_avg_sq_col." + name, moments_[i].column);
            }
        }
        return all;
    }

  protected:
    void update(const at::Tensor& parameters, const at::Tensor& gradients,
                const StepArguments& arguments) override {
        const at::NoGradGuard no_grad;
        scale_gradients(gradients, arguments.gradient_scale);
        for (std::size_t i = 0; i < segments_.size(); ++i) {
            if (segments_[i].count() > 0) {
                step_one(i, parameters, gradients, arguments);
            }
        }
    }

  private:
    static SecondMoment zero_moment(std::vector<std::int64_t> shape, const at::Tensor& like) {
        if (shape.size() < 2) {
            return {{}, {}, at::zeros(shape, like.options())};
        }
        std::vector<std::int64_t> column = shape;
        column.erase(column.end() - 2);
        shape.pop_back();
        return {at::zeros(shape, like.options()), at::zeros(column, like.options()), {}};
    }

    double rate(const at::Tensor& values, double learning_rate) const {
        const double size = options_.scale_parameter ? root_mean_square(values) : 0.0;
        return adafactor_step(options_, steps_taken_, learning_rate, size);
    }

    void step_one(std::size_t i, const at::Tensor& parameters, const at::Tensor& gradients,
                  const StepArguments& arguments) {
        const Segment& segment = segments_[i];
        const Run whole{segment.offset, segment.count(), segment.decay};
        const at::Tensor values = whole.of(parameters);
        const at::Tensor update = whole.of(update_);
        const double beta1 = arguments.momentum.value_or(options_.beta1);
        const double rate_now = rate(values, arguments.learning_rate);
        divide_by_root(moments_[i], view(gradients, segment), view(update_, segment));
        const double excess = root_mean_square(update) / options_.clip_threshold;
        update.mul_(rate_now / std::max(1.0, excess));
        at::Tensor direction = update;
        if (momentum_) {
            direction = whole.of(mean_);
            direction.mul_(beta1).add_(update, 1.0 - beta1);
        }
        if (segment.decay && options_.weight_decay != 0.0) {
            values.mul_(1.0 - options_.weight_decay * rate_now);
        }
        values.sub_(direction);
    }

    /// Take the gradient's square into the moment; `update` = gradient / sqrt(moment).
    void divide_by_root(const SecondMoment& moment, const at::Tensor& gradient,
                        at::Tensor update) const {
        const double beta2 = 1.0 - std::pow(static_cast<double>(steps_taken_), options_.decay_rate);
        at::mul_out(update, gradient, gradient).add_(kSquareFloor);
        if (moment.all.defined()) {
            moment.all.mul_(beta2).add_(update, 1.0 - beta2);
            at::mul_out(update, gradient, at::rsqrt(moment.all));
            return;
        }
        moment.row.mul_(beta2).add_(update.mean(-1), 1.0 - beta2);
        moment.column.mul_(beta2).add_(update.mean(-2), 1.0 - beta2);
        const at::Tensor row = moment.row.div(moment.row.mean(-1, true)).rsqrt_().unsqueeze(-1);
        const at::Tensor column = at::rsqrt(moment.column).unsqueeze(-2);
        at::mul_out(update, row, column).mul_(gradient);
    }

    OptimizerOptions options_;
    std::vector<Segment> segments_;
    std::vector<SecondMoment> moments_;
    at::Tensor update_;
    bool momentum_;
    at::Tensor mean_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adafactor_on_device(const OptimizerOptions& options,
                                                    std::vector<Segment> segments,
                                                    const at::Tensor& like) {
    return std::make_unique<DeviceAdafactor>(options, std::move(segments), like);
}

}  // namespace hpml::optim
