#include <ATen/core/grad_mode.h>
#include <ATen/ops/add.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "base/instruction_set.h"
#include "optim/aten/operators.h"
#include "optim/kinds.h"

namespace hpml::optim {

namespace {

// Jordan's coefficients, and the floor of the norm.
constexpr double kA = 3.4445;
constexpr double kB = -4.7750;
constexpr double kC = 2.0315;
constexpr double kNormFloor = 1e-7;

/// Without instructions for bfloat16, LibTorch's products of such matrices are many times slower
/// than those of floats.
bool multiplies_bfloat16(const at::Tensor& like) { return !like.is_cpu() || has_native_bfloat16(); }

/// beta x + alpha a b, rounded to bfloat16. In floats, if those are the faster: the products of
/// bfloat16 are exact there, so only the order of adding differs.
at::Tensor combine(const at::Tensor& x, double beta, double alpha, const at::Tensor& a,
                   const at::Tensor& b) {
    if (multiplies_bfloat16(x)) {
        return at::addmm(x, a, b, beta, alpha);
    }
    return at::addmm(x.to(at::kFloat), a.to(at::kFloat), b.to(at::kFloat), beta, alpha)
        .to(at::kBFloat16);
}

at::Tensor square_of_rows(const at::Tensor& x) {
    if (multiplies_bfloat16(x)) {
        return at::mm(x, x.t());
    }
    const at::Tensor wide = x.to(at::kFloat);
    return at::mm(wide, wide.t()).to(at::kBFloat16);
}

class Muon : public Optimizer {
  public:
    Muon(OptimizerPlan plan, const at::Tensor& like, std::unique_ptr<Optimizer> others)
        : options_(std::move(plan.options)), others_(std::move(others)) {
        for (const Segment& segment : plan.segments) {
            const bool owned = segment.offset >= plan.shard.begin &&
                               segment.offset + segment.count() <= plan.shard.end;
            if (segment.hidden_matrix && owned && segment.count() > 0) {
                segments_.push_back(segment);
                buffers_.push_back(at::zeros(segment.shape, like.options()));
            }
        }
    }

    std::string_view name() const override { return "muon"; }

    std::vector<StateTensor> state() override {
        std::vector<StateTensor> all;
        for (std::size_t i = 0; i < segments_.size(); ++i) {
            all.push_back(
                {"momentum_buffer." + segments_[i].name, buffers_[i], 0, segments_[i].shape});
        }
        for (StateTensor& piece : others_->state()) {
            all.push_back(std::move(piece));
        }
        return all;
    }

    void set_steps_taken(std::int64_t steps) override {
        Optimizer::set_steps_taken(steps);
        others_->set_steps_taken(steps);
    }

  protected:
    void update(const at::Tensor& parameters, const at::Tensor& gradients,
                const StepArguments& arguments) override {
        const at::NoGradGuard no_grad;
        // The others first would scale a device's gradients under our feet.
        for (std::size_t i = 0; i < segments_.size(); ++i) {
            step_one(i, parameters, gradients, arguments);
        }
        StepArguments of_others = arguments;
        of_others.momentum.reset();  // beta1 of AdamW is not Muon's momentum
        others_->step(parameters, gradients, of_others);
    }

  private:
    void step_one(std::size_t i, const at::Tensor& parameters, const at::Tensor& gradients,
                  const StepArguments& arguments) const {
        const Segment& segment = segments_[i];
        const double momentum =
            arguments.momentum.value_or(options_.momentum.value_or(kDefaultMuonMomentum));
        const at::Tensor gradient = view(gradients, segment);
        const double gain = (1.0 - momentum) * arguments.gradient_scale;
        const at::Tensor& buffer = buffers_[i];
        buffer.mul_(momentum).add_(gradient, gain);
        const at::Tensor update =
            options_.nesterov.value_or(true) ? buffer.mul(momentum).add_(gradient, gain) : buffer;
        const at::Tensor values = view(parameters, segment);
        if (segment.decay) {
            values.mul_(1.0 - arguments.learning_rate * options_.weight_decay);
        }
        values.add_(orthogonalised(update), -arguments.learning_rate * adjustment(segment.shape));
    }

    /// Five Newton-Schulz iterations of fifth order bring all singular values near 1.
    [[nodiscard]] at::Tensor orthogonalised(const at::Tensor& update) const {
        const bool tall = update.size(0) > update.size(1);
        at::Tensor x = update.to(at::kBFloat16);
        if (tall) {
            x = x.t();
        }
        x = x.div(x.norm().clamp_min(kNormFloor));
        for (std::int64_t step = 0; step < options_.ns_steps; ++step) {
            const at::Tensor gram = square_of_rows(x);
            x = combine(x, kA, 1.0, combine(gram, kB, kC, gram, gram), x);
        }
        return tall ? x.t() : x;
    }

    [[nodiscard]] double adjustment(const std::vector<std::int64_t>& shape) const {
        const auto rows = static_cast<double>(shape[0]);
        const auto columns = static_cast<double>(shape[1]);
        return options_.adjust_lr == "original" ? std::sqrt(std::max(1.0, rows / columns))
                                                : 0.2 * std::sqrt(std::max(rows, columns));
    }

    OptimizerOptions options_;
    std::vector<Segment> segments_;  ///< the hidden matrices
    std::vector<at::Tensor> buffers_;
    std::unique_ptr<Optimizer> others_;
};

}  // namespace

std::unique_ptr<Optimizer> make_muon(OptimizerPlan plan, const at::Tensor& like,
                                     std::unique_ptr<Optimizer> others) {
    return std::make_unique<Muon>(std::move(plan), like, std::move(others));
}

}  // namespace hpml::optim
