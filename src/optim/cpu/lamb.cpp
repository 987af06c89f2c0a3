#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "optim/kinds.h"
#include "optim/moments.h"
#include "optim/rules.h"

namespace hpml::optim {

namespace {

class Lamb : public Optimizer {
  public:
    explicit Lamb(OptimizerPlan plan)
        : options_(std::move(plan.options)),
          layout_(std::move(plan.segments), plan.shard),
          sum_(std::move(plan.sum)),
          moments_(options_, layout_),
          waves_(sum_ ? std::vector<Range>{layout_.own_blocks()} : layout_.waves()),
          squares_(2 * layout_.blocks().size()) {}

    std::string_view name() const override { return options_.name; }

    std::vector<StateTensor> state() override { return moments_.state(layout_); }

  protected:
    void update(const at::Tensor& parameters, const at::Tensor& gradients,
                const StepArguments& arguments) override {
        StepArguments normed = arguments;
        normed.gradient_scale *= gradient_factor(gradients, arguments);
        const MomentFactors factors = moments_.factors(options_, normed, steps_taken_);
        auto* weights = parameters.mutable_data_ptr<float>();
        // Each block's u takes its gradient's place. To store it costs what computing it again from
        // m and v would read, but the second pass then finds more of what it needs in the caches.
        auto* updates = gradients.mutable_data_ptr<float>();
        for (const Range& wave : waves_) {
            for_each(wave, [&](std::size_t i) {
                const Block& block = layout_.blocks()[i];
                const Squares found =
                    kernels().lamb_prepare(moments_.at(block, parameters, gradients),
                                           with_decay(factors, block), updates + block.begin);
                squares_[2 * i] = found.parameters;
                squares_[2 * i + 1] = found.update;
            });
            if (sum_) {
                share(wave);
            }
            const std::vector<float> rates = rates_of(sum_ ? all() : wave, arguments.learning_rate);
            for_each_backwards(wave, [&](std::size_t i) {
                const Block& block = layout_.blocks()[i];
                kernels().lamb_apply(weights + block.begin, updates + block.begin,
                                     rates[block.segment], static_cast<std::size_t>(block.length));
            });
        }
    }

  private:
    [[nodiscard]] Range all() const { return {0, layout_.blocks().size()}; }

    /// 1 / max(1, norm / max_grad_norm), the pre-normalisation of apex's FusedLAMB.
    double gradient_factor(const at::Tensor& gradients, const StepArguments& arguments) {
        if (options_.max_grad_norm <= 0.0) {
            return 1.0;
        }
        const double norm = arguments.gradient_norm.value_or(0.0);
        return options_.max_grad_norm /
               std::max(
                   options_.max_grad_norm,
                   arguments.gradient_norm ? norm : arguments.gradient_scale * norm_of(gradients));
    }

    /// Of the gradients of all ranks.
    double norm_of(const at::Tensor& gradients) {
        const auto* values = gradients.const_data_ptr<float>();
        for_each(layout_.own_blocks(), [&](std::size_t i) {
            const Block& block = layout_.blocks()[i];
            squares_[2 * i] = kernels().sum_of_squares(values + block.begin,
                                                       static_cast<std::size_t>(block.length));
        });
        if (sum_) {
            share(layout_.own_blocks());
        }
        double sum = 0.0;
        for (std::size_t i = 0; i < layout_.blocks().size(); ++i) {
            sum += squares_[2 * i];
        }
        return std::sqrt(sum);
    }

    /// Let every rank know all blocks' sums, not only its own's.
    void share(const Range& own) {
        const auto first = squares_.begin() + static_cast<std::ptrdiff_t>(2 * own.first);
        const auto last = squares_.begin() + static_cast<std::ptrdiff_t>(2 * own.last);
        std::fill(squares_.begin(), first, 0.0);
        std::fill(last, squares_.end(), 0.0);
        sum_(squares_);
    }

    MomentFactors with_decay(MomentFactors factors, const Block& block) const {
        factors.decay = block.decay ? static_cast<float>(options_.weight_decay) : 0.0F;
        return factors;
    }

    /// learning rate x ||w|| / ||u|| of each segment that begins in these blocks, added in their
    /// order: the norms are of whole tensors.
    std::vector<float> rates_of(const Range& blocks, double learning_rate) const {
        const std::size_t count = layout_.segments().size();
        std::vector<double> weight(count);
        std::vector<double> update(count);
        for (std::size_t i = blocks.first; i < blocks.last; ++i) {
            weight[layout_.blocks()[i].segment] += squares_[2 * i];
            update[layout_.blocks()[i].segment] += squares_[2 * i + 1];
        }
        std::vector<float> rates(count);
        for (std::size_t i = 0; i < count; ++i) {
            rates[i] = static_cast<float>(
                learning_rate * trust_ratio(options_, layout_.segments()[i], weight[i], update[i]));
        }
        return rates;
    }

    OptimizerOptions options_;
    Layout layout_;
    SumOverRanks sum_;
    Moments moments_;
    std::vector<Range> waves_;
    std::vector<double> squares_;  ///< of w and u, for each block
};

}  // namespace

std::unique_ptr<Optimizer> make_lamb(OptimizerPlan plan) {
    return std::make_unique<Lamb>(std::move(plan));
}

}  // namespace hpml::optim
