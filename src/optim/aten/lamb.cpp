#include <ATen/core/grad_mode.h>
#include <ATen/ops/div.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "optim/aten/moments.h"
#include "optim/kinds.h"
#include "optim/rules.h"

namespace hpml::optim {

namespace {

class DeviceLamb : public Optimizer {
  public:
    DeviceLamb(const OptimizerOptions& options, std::vector<Segment> segments,
               const at::Tensor& like)
        : options_(options),
          segments_(std::move(segments)),
          moments_(options, like),
          update_(at::zeros_like(like)),
          squares_(at::zeros({static_cast<std::int64_t>(segments_.size()), 2}, like.options())) {}

    std::string_view name() const override { return "lamb"; }
    std::vector<StateTensor> state() override { return moments_.state(segments_); }

  protected:
    void update(const at::Tensor& parameters, const at::Tensor& gradients,
                const StepArguments& arguments) override {
        const at::NoGradGuard no_grad;
        scale_gradients(gradients, arguments.gradient_scale);
        if (options_.max_grad_norm > 0.0) {
            const double norm = arguments.gradient_norm ? *arguments.gradient_norm
                                                        : std::sqrt(sum_of_squares(gradients));
            scale_gradients(gradients,
                            options_.max_grad_norm / std::max(options_.max_grad_norm, norm));
        }
        for (std::size_t i = 0; i < segments_.size(); ++i) {
            prepare(i, parameters, gradients, arguments);
        }
        const std::vector<double> ratios = trust_ratios();
        for (std::size_t i = 0; i < segments_.size(); ++i) {
            view(parameters, segments_[i])
                .add_(view(update_, segments_[i]), -arguments.learning_rate * ratios[i]);
        }
    }

  private:
    /// u = m / (sqrt(v) + epsilon) + decay w of one segment, and the squares of w and u.
    void prepare(std::size_t i, const at::Tensor& parameters, const at::Tensor& gradients,
                 const StepArguments& arguments) {
        const Segment& segment = segments_[i];
        const Run run{segment.offset, segment.count(), segment.decay};
        const at::Tensor values = run.of(parameters);
        const at::Tensor mean = run.of(moments_.mean());
        const at::Tensor square = run.of(moments_.square());
        moments_.take(mean, square, run.of(gradients), arguments);
        at::Tensor update = run.of(update_);
        at::div_out(update, mean, moments_.denominator(square, steps_taken_));
        update.div_(moments_.mean_correction(arguments, steps_taken_));
        if (segment.decay && options_.weight_decay != 0.0) {
            update.add_(values, options_.weight_decay);
        }
        const at::Tensor row = squares_.select(0, static_cast<std::int64_t>(i));
        row.select(0, 0).copy_(at::dot(values, values));
        row.select(0, 1).copy_(at::dot(update, update));
    }

    /// ||w|| / ||u|| of each segment: the norms are of whole tensors. One wait for a GPU a step.
    std::vector<double> trust_ratios() const {
        const at::Tensor squares = squares_.cpu();
        const auto* square = squares.const_data_ptr<float>();
        std::vector<double> ratios(segments_.size());
        for (std::size_t i = 0; i < segments_.size(); ++i) {
            ratios[i] = trust_ratio(options_, segments_[i], square[2 * i], square[2 * i + 1]);
        }
        return ratios;
    }

    OptimizerOptions options_;
    std::vector<Segment> segments_;
    DeviceMoments moments_;
    at::Tensor update_;   // u, kept between the two passes
    at::Tensor squares_;  // [segments, 2]: of w and of u
};

}  // namespace

std::unique_ptr<Optimizer> make_lamb_on_device(const OptimizerOptions& options,
                                               std::vector<Segment> segments,
                                               const at::Tensor& like) {
    return std::make_unique<DeviceLamb>(options, std::move(segments), like);
}

}  // namespace hpml::optim
