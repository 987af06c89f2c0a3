#include <ATen/core/grad_mode.h>
#include <ATen/ops/add.h>

#include <memory>
#include <utility>

#include "optim/aten/moments.h"
#include "optim/kinds.h"

namespace hpml::optim {

namespace {

class DeviceAdam : public Optimizer {
  public:
    DeviceAdam(const OptimizerOptions& options, std::vector<Segment> segments,
               const at::Tensor& like)
        : options_(options),
          runs_(runs_of_equal_decay(segments)),
          segments_(std::move(segments)),
          moments_(options, like) {}

    std::string_view name() const override { return options_.name; }
    std::vector<StateTensor> state() override { return moments_.state(segments_); }

  protected:
    void update(const at::Tensor& parameters, const at::Tensor& gradients,
                const StepArguments& arguments) override {
        const at::NoGradGuard no_grad;
        scale_gradients(gradients, arguments.gradient_scale);
        const std::int64_t t = steps_taken_;
        const double rate = arguments.learning_rate / moments_.mean_correction(arguments, t);
        for (const Run& run : runs_) {
            const at::Tensor values = run.of(parameters);
            at::Tensor gradient = run.of(gradients);
            const double decay = run.decay ? options_.weight_decay : 0.0;
            if (decay != 0.0 && options_.name == "adamw") {
                values.mul_(1.0 - arguments.learning_rate * decay);
            } else if (decay != 0.0) {
                gradient = at::add(gradient, values, decay);
            }
            const at::Tensor mean = run.of(moments_.mean());
            const at::Tensor square = run.of(moments_.square());
            moments_.take(mean, square, gradient, arguments);
            values.addcdiv_(mean, moments_.denominator(square, t), -rate);
        }
    }

  private:
    OptimizerOptions options_;
    std::vector<Run> runs_;
    std::vector<Segment> segments_;
    DeviceMoments moments_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adam_on_device(const OptimizerOptions& options,
                                               std::vector<Segment> segments,
                                               const at::Tensor& like) {
    return std::make_unique<DeviceAdam>(options, std::move(segments), like);
}

}  // namespace hpml::optim
