#include <ATen/ops/div.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "optim/blocks.h"
#include "optim/kinds.h"
#include "optim/moments.h"

namespace hpml::optim {

namespace {

class Lamb : public Optimizer {
  public:
    Lamb(const OptimizerOptions& options, std::vector<Segment> segments, const at::Tensor& like)
        : options_(options),
          blocks_(blocks_of_segments(segments, like)),
          segments_(std::move(segments)),
          moments_(options, like),
          update_(at::zeros_like(like)),
          squares_(at::zeros({static_cast<std::int64_t>(blocks_.size()), 2}, like.options())) {}

    std::string_view name() const override { return "lamb"; }

    void step(const at::Tensor& parameters, const at::Tensor& gradients,
              double learning_rate) override {
        const std::int64_t t = ++steps_taken_;
        for_each_block(blocks_, parameters,
                       [&](std::size_t i) { prepare(i, parameters, gradients, t); });
        const std::vector<double> ratios = trust_ratios();
        for_each_block(blocks_, parameters, [&](std::size_t i) {
            const Block& block = blocks_[i];
            part(parameters, block)
                .add_(part(update_, block), -learning_rate * ratios[block.owner]);
        });
    }

    std::vector<StateTensor> state() override { return moments_.state(segments_); }

  private:
    /// u = m / (sqrt(v) + epsilon) + decay w of one block, and the squares of w and u.
    void prepare(std::size_t i, const at::Tensor& parameters, const at::Tensor& gradients,
                 std::int64_t t) {
        const Block& block = blocks_[i];
        const at::Tensor values = part(parameters, block);
        moments_.update(block, part(gradients, block));
        at::Tensor update = part(update_, block);
        at::div_out(update, moments_.mean(block), moments_.denominator(block, t));
        update.div_(moments_.mean_correction(t));
        if (block.decay && options_.weight_decay != 0.0) {
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
        std::vector<double> weight(segments_.size());
        std::vector<double> update(segments_.size());
        for (std::size_t i = 0; i < blocks_.size(); ++i) {
            weight[blocks_[i].owner] += square[2 * i];
            update[blocks_[i].owner] += square[2 * i + 1];
        }
        std::vector<double> ratios(segments_.size(), 1.0);
        for (std::size_t i = 0; i < segments_.size(); ++i) {
            const bool adapts = segments_[i].decay || options_.adapt_without_decay;
            if (adapts && weight[i] > 0.0 && update[i] > 0.0) {
                ratios[i] = clamped(std::sqrt(weight[i] / update[i]));
            }
        }
        return ratios;
    }

    double clamped(double ratio) const {
        return options_.trust_ratio_max > 0.0
                   ? std::clamp(ratio, options_.trust_ratio_min, options_.trust_ratio_max)
                   : ratio;
    }

    OptimizerOptions options_;
    std::vector<Block> blocks_;
    std::vector<Segment> segments_;
    Moments moments_;
    at::Tensor update_;   // u, kept between the two passes
    at::Tensor squares_;  // [blocks, 2]: of w and of u
};

}  // namespace

std::unique_ptr<Optimizer> make_lamb(const OptimizerOptions& options, std::vector<Segment> segments,
                                     const at::Tensor& like) {
    return std::make_unique<Lamb>(options, std::move(segments), like);
}

}  // namespace hpml::optim
