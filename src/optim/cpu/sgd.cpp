#include <ATen/ops/zeros.h>

#include <memory>
#include <utility>

#include "optim/kernels/kernels.h"
#include "optim/kinds.h"
#include "optim/layout.h"

namespace hpml::optim {

namespace {

class Sgd : public Optimizer {
  public:
    explicit Sgd(OptimizerPlan plan)
        : options_(std::move(plan.options)), layout_(std::move(plan.segments), plan.shard) {
        if (options_.momentum.value_or(kDefaultMomentum) > 0.0) {
            buffer_ = at::zeros({layout_.state_length()}, at::kFloat);
        }
    }

    std::string_view name() const override { return options_.name; }

    std::vector<StateTensor> state() override {
        std::vector<StateTensor> all;
        for (std::size_t i = 0; buffer_.defined() && i < layout_.segments().size(); ++i) {
            layout_.append_piece(all, "momentum_buffer.", buffer_, i);
        }
        return all;
    }

  protected:
    void update(const at::Tensor& parameters, const at::Tensor& gradients,
                const StepArguments& arguments) override {
        const double momentum =
            arguments.momentum.value_or(options_.momentum.value_or(kDefaultMomentum));
        const bool nesterov = options_.nesterov.value_or(false);
        MomentumFactors plain;
        plain.gradient_scale = static_cast<float>(arguments.gradient_scale);
        plain.momentum = static_cast<float>(momentum);
        plain.of_gradient = nesterov ? 1.0F : 0.0F;
        plain.of_buffer = nesterov ? plain.momentum : 1.0F;
        plain.rate = static_cast<float>(arguments.learning_rate);
        MomentumFactors decayed = plain;
        decayed.l2 = static_cast<float>(options_.weight_decay);
        auto* values = parameters.mutable_data_ptr<float>();
        const auto* slopes = gradients.const_data_ptr<float>();
        auto* buffer = buffer_.defined() ? buffer_.mutable_data_ptr<float>() : nullptr;
        for_each(layout_.own_blocks(), [&](std::size_t i) {
            const Block& block = layout_.blocks()[i];
            kernels().momentum({values + block.begin, slopes + block.begin,
                                buffer != nullptr ? buffer + block.state : nullptr,
                                static_cast<std::size_t>(block.length)},
                               block.decay ? decayed : plain);
        });
    }

  private:
    OptimizerOptions options_;
    Layout layout_;
    at::Tensor buffer_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(OptimizerPlan plan) {
    return std::make_unique<Sgd>(std::move(plan));
}

}  // namespace hpml::optim
