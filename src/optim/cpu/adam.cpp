#include <memory>
#include <utility>

#include "optim/kinds.h"
#include "optim/moments.h"

namespace hpml::optim {

namespace {

class Adam : public Optimizer {
  public:
    explicit Adam(OptimizerPlan plan)
        : options_(std::move(plan.options)),
          layout_(std::move(plan.segments), plan.shard),
          moments_(options_, layout_) {}

    std::string_view name() const override { return options_.name; }

    std::vector<StateTensor> state() override { return moments_.state(layout_); }

  protected:
    void update(const at::Tensor& parameters, const at::Tensor& gradients,
                const StepArguments& arguments) override {
        MomentFactors plain = moments_.factors(options_, arguments, steps_taken_);
        plain.rate = static_cast<float>(arguments.learning_rate) * plain.mean_scale;
        MomentFactors decayed = plain;
        if (options_.name == "adamw") {
            decayed.keep =
                static_cast<float>(1.0 - arguments.learning_rate * options_.weight_decay);
        } else {
            decayed.l2 = static_cast<float>(options_.weight_decay);
        }
        for_each(layout_.own_blocks(), [&](std::size_t i) {
            const Block& block = layout_.blocks()[i];
            kernels().adam(moments_.at(block, parameters, gradients),
                           block.decay ? decayed : plain);
        });
    }

  private:
    OptimizerOptions options_;
    Layout layout_;
    Moments moments_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adam(OptimizerPlan plan) {
    return std::make_unique<Adam>(std::move(plan));
}

}  // namespace hpml::optim
