#include "model/fused/fused_bert.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <numeric>
#include <utility>

#include "base/error.h"
#include "model/fused/encoder.h"
#include "model/fused/mlm_head.h"

namespace hpml::model {
namespace {

namespace autograd = torch::autograd;

void run_hook(const at::Tensor& leaf) {
    if (const auto& hook = autograd::impl::post_acc_grad_hooks(leaf)) {
        (*hook)(leaf);
    }
}

Leaves values_of(const std::vector<at::Tensor>& leaves) {
    std::vector<const float*> values;
    for (const at::Tensor& leaf : leaves) {
        values.push_back(leaf.const_data_ptr<float>());
    }
    return {std::move(values), {}, {}};
}

/// With places for the gradients, new ones where a leaf has none yet.
Leaves leaves_for_backward(const std::vector<at::Tensor>& leaves) {
    std::vector<const float*> values;
    std::vector<float*> gradients;
    for (const at::Tensor& leaf : leaves) {
        values.push_back(leaf.const_data_ptr<float>());
        at::Tensor& gradient = leaf.mutable_grad();
        if (!gradient.defined()) {
            gradient = at::zeros_like(leaf);
        }
        expects(gradient.is_contiguous(), "a gradient whose rows lie one behind the other");
        gradients.push_back(gradient.mutable_data_ptr<float>());
    }
    return {std::move(values), std::move(gradients),
            [&leaves](std::size_t leaf) { run_hook(leaves[leaf]); }};
}

Rounding rounding_of(Precision precision) {
    return precision == Precision::Float32    ? Rounding::None
           : precision == Precision::BFloat16 ? Rounding::BFloat16
                                              : Rounding::Half;
}

bool wants_gradient(const std::vector<at::Tensor>& leaves) {
    return at::GradMode::is_enabled() && leaves.front().requires_grad();
}

void put_behind(const at::Tensor& result, const std::shared_ptr<autograd::Node>& node) {
    const auto number = node->add_input_metadata(result);
    autograd::impl::set_gradient_edge(result, {node, number});
}

class EncoderNode : public autograd::Node {
  public:
    EncoderNode(std::unique_ptr<EncoderPass> pass, std::vector<at::Tensor> leaves)
        : pass_(std::move(pass)), leaves_(std::move(leaves)) {}

    autograd::variable_list apply(autograd::variable_list&& gradients) override {
        expects(pass_ != nullptr, "one backward pass for one forward pass");
        if (gradients[0].defined()) {
            const at::Tensor gradient = gradients[0].contiguous();
            pass_->backward(leaves_for_backward(leaves_), gradient.const_data_ptr<float>());
        }
        pass_.reset();
        return {};
    }
    void release_variables() override { pass_.reset(); }
    [[nodiscard]] std::string name() const override { return "HpmlEncoder"; }

  private:
    std::unique_ptr<EncoderPass> pass_;
    std::vector<at::Tensor> leaves_;
};

class MlmHeadNode : public autograd::Node {
  public:
    MlmHeadNode(std::unique_ptr<MlmHeadPass> pass, at::Tensor input, std::vector<at::Tensor> leaves)
        : Node({autograd::impl::gradient_edge(input)}),
          pass_(std::move(pass)),
          input_(input.detach()),
          leaves_(std::move(leaves)) {}

    autograd::variable_list apply(autograd::variable_list&& gradients) override {
        expects(pass_ != nullptr, "one backward pass for one forward pass");
        if (!gradients[0].defined()) {
            return {at::Tensor()};
        }
        const at::Tensor gradient = at::empty(input_.sizes(), at::kFloat);
        pass_->backward(leaves_for_backward(leaves_), gradients[0].item<float>(),
                        input_.const_data_ptr<float>(), gradient.mutable_data_ptr<float>());
        pass_.reset();
        return {gradient};
    }
    void release_variables() override { pass_.reset(); }
    [[nodiscard]] std::string name() const override { return "HpmlMaskedLmHead"; }

  private:
    std::unique_ptr<MlmHeadPass> pass_;
    at::Tensor input_;
    std::vector<at::Tensor> leaves_;
};

}  // namespace

FusedBert::FusedBert(const ModelConfig& config, std::vector<at::Tensor> leaves,
                     const BertOptions& options)
    : config_(config),
      leaves_(std::move(leaves)),
      rounding_(rounding_of(options.precision)),
      checkpointing_(options.checkpointing),
      pool_(std::make_shared<BufferPool>()) {
    for (const at::Tensor& leaf : leaves_) {
        expects(leaf.is_cpu() && leaf.is_contiguous() && leaf.scalar_type() == at::kFloat,
                "leaves of fp32 numbers in host memory");
    }
}

at::Tensor FusedBert::encode(const corpus::Batch& batch, std::vector<std::int32_t> rows,
                             const DropoutPlan& dropout) const {
    BatchRows all(batch);
    RowChoice chosen(all, std::move(rows));
    EncoderRequest request;
    request.dropout = {dropout.probability, dropout.seed, dropout.step};
    request.checkpointing = checkpointing_;
    request.backward = wants_gradient(leaves_);
    auto pass = std::make_unique<EncoderPass>(config_, machine(), std::move(all), std::move(chosen),
                                              request);
    const at::Tensor output = at::empty({pass->count(), config_.hidden_size}, at::kFloat);
    pass->forward(values_of(leaves_), output.mutable_data_ptr<float>());
    if (request.backward) {
        put_behind(output, std::make_shared<EncoderNode>(std::move(pass), leaves_));
    }
    return output;
}

at::Tensor FusedBert::encode(const corpus::Batch& batch, const DropoutPlan& dropout) const {
    std::vector<std::int32_t> rows(batch.token_count());
    std::iota(rows.begin(), rows.end(), 0);
    return encode(batch, std::move(rows), dropout);
}

at::Tensor FusedBert::mlm_loss(const corpus::Batch& batch, const DropoutPlan& dropout) const {
    const at::Tensor input = encode(batch, batch.mlm_positions, dropout);
    auto pass = std::make_unique<MlmHeadPass>(config_, machine(), batch.mlm_labels);
    const double loss = pass->forward(values_of(leaves_), input.const_data_ptr<float>());
    const at::Tensor sum = at::full({}, loss, at::kFloat);
    if (wants_gradient(leaves_)) {
        put_behind(sum, std::make_shared<MlmHeadNode>(std::move(pass), input, leaves_));
    }
    return sum;
}

at::Tensor FusedBert::mlm_logits(const corpus::Batch& batch, const DropoutPlan& dropout) const {
    const at::NoGradGuard no_grad;
    const at::Tensor input = encode(batch, batch.mlm_positions, dropout);
    const at::Tensor result = at::empty({input.size(0), config_.vocabulary_size}, at::kFloat);
    MlmHeadPass(config_, machine(), batch.mlm_labels)
        .logits(values_of(leaves_), input.const_data_ptr<float>(),
                result.mutable_data_ptr<float>());
    return result;
}

}  // namespace hpml::model
