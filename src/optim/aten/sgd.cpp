#include <ATen/core/grad_mode.h>
#include <ATen/ops/add.h>
#include <ATen/ops/zeros_like.h>

#include <memory>
#include <utility>

#include "optim/aten/operators.h"
#include "optim/kinds.h"

namespace hpml::optim {

namespace {

class DeviceSgd : public Optimizer {
  public:
    DeviceSgd(const OptimizerOptions& options, std::vector<Segment> segments,
              const at::Tensor& like)
        : options_(options), runs_(runs_of_equal_decay(segments)), segments_(std::move(segments)) {
        if (options_.momentum.value_or(kDefaultMomentum) > 0.0) {
            buffer_ = at::zeros_like(like);
        }
    }

    std::string_view name() const override { return options_.name; }
    std::vector<StateTensor> state() override {
        std::vector<StateTensor> all;
        for (const Segment& segment : segments_) {
            if (buffer_.defined()) {
                all.push_back(piece("momentum_buffer.", buffer_, segment));
            }
        }
        return all;
    }

  protected:
    void update(const at::Tensor& parameters, const at::Tensor& gradients,
                const StepArguments& arguments) override {
        const at::NoGradGuard no_grad;
        scale_gradients(gradients, arguments.gradient_scale);
        const double momentum =
            arguments.momentum.value_or(options_.momentum.value_or(kDefaultMomentum));
        for (const Run& run : runs_) {
            const at::Tensor values = run.of(parameters);
            at::Tensor gradient = run.of(gradients);
            if (run.decay && options_.weight_decay != 0.0) {
                gradient = at::add(gradient, values, options_.weight_decay);
            }
            if (buffer_.defined()) {
                const at::Tensor buffer = run.of(buffer_);
                buffer.mul_(momentum).add_(gradient);
                gradient = options_.nesterov.value_or(false) ? at::add(gradient, buffer, momentum)
                                                             : buffer;
            }
            values.sub_(gradient, arguments.learning_rate);
        }
    }

  private:
    OptimizerOptions options_;
    std::vector<Run> runs_;
    std::vector<Segment> segments_;
    at::Tensor buffer_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd_on_device(const OptimizerOptions& options,
                                              std::vector<Segment> segments,
                                              const at::Tensor& like) {
    return std::make_unique<DeviceSgd>(options, std::move(segments), like);
}

}  // namespace hpml::optim
