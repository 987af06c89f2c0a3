#include <ATen/ops/add.h>

#include <memory>
#include <utility>

#include "optim/blocks.h"
#include "optim/kinds.h"
#include "optim/moments.h"

namespace hpml::optim {

namespace {

class Adam : public Optimizer {
  public:
    Adam(const OptimizerOptions& options, std::vector<Segment> segments, const at::Tensor& like)
        : name_(options.name),
          decoupled_(options.name == "adamw"),
          weight_decay_(options.weight_decay),
          blocks_(blocks_of_equal_decay(segments, like)),
          segments_(std::move(segments)),
          moments_(options, like) {}

    std::string_view name() const override { return name_; }

    void step(const at::Tensor& parameters, const at::Tensor& gradients,
              double learning_rate) override {
        const std::int64_t t = ++steps_taken_;
        const double rate = learning_rate / moments_.mean_correction(t);
        for_each_block(blocks_, parameters, [&](std::size_t i) {
            const Block& block = blocks_[i];
            const at::Tensor values = part(parameters, block);
            at::Tensor gradient = part(gradients, block);
            const double decay = block.decay ? weight_decay_ : 0.0;
            if (decay != 0.0 && decoupled_) {
                values.mul_(1.0 - learning_rate * decay);
            } else if (decay != 0.0) {
                gradient = at::add(gradient, values, decay);
            }
            moments_.update(block, gradient);
            values.addcdiv_(moments_.mean(block), moments_.denominator(block, t), -rate);
        });
    }

    std::vector<StateTensor> state() override { return moments_.state(segments_); }

  private:
    std::string name_;
    bool decoupled_;
    double weight_decay_;
    std::vector<Block> blocks_;
    std::vector<Segment> segments_;
    Moments moments_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adam(const OptimizerOptions& options, std::vector<Segment> segments,
                                     const at::Tensor& like) {
    return std::make_unique<Adam>(options, std::move(segments), like);
}

}  // namespace hpml::optim
