#include "model/bert.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mse_loss.h>

#include <numeric>
#include <string>
#include <utility>

#include "base/error.h"
#include "model/attention.h"
#include "model/dropout_mask.h"
#include "model/parameters.h"

namespace hpml::model {
namespace {

struct Linear {
    at::Tensor weight;
    at::Tensor bias;

    at::Tensor operator()(const at::Tensor& rows) const { return at::linear(rows, weight, bias); }
};

struct Norm {
    at::Tensor weight;
    at::Tensor bias;
    double epsilon = 0.0;

    at::Tensor operator()(const at::Tensor& rows) const {
        return at::layer_norm(rows, weight.sizes(), weight, bias, epsilon);
    }
};

/// Hands out leaves in the order of `leaf_specs`.
class LeafCursor {
  public:
    LeafCursor(const std::vector<at::Tensor>& leaves, double epsilon)
        : leaves_(leaves), epsilon_(epsilon) {}

    const at::Tensor& next() { return leaves_[index_++]; }
    Linear next_linear() {
        const at::Tensor& weight = next();
        return {weight, next()};
    }
    Norm next_norm() {
        const at::Tensor& weight = next();
        return {weight, next(), epsilon_};
    }
    /// Go to the first of the last `count` leaves.
    void seek_last(std::size_t count) { index_ = leaves_.size() - count; }

  private:
    const std::vector<at::Tensor>& leaves_;
    double epsilon_;
    std::size_t index_ = 0;
};

constexpr std::size_t kMaskedLmLeaves = 5;
constexpr std::size_t kClassificationLeaves = 4;

/// What all layers of one forward pass share.
struct Pass {
    const ModelConfig& config;
    const AttentionLayout layout;
    const DropoutMasks masks;
};

/// A copy of `values` as int64 on `device`.
at::Tensor index_tensor(const std::vector<std::int32_t>& values, c10::Device device) {
    return at::from_blob(const_cast<std::int32_t*>(values.data()),
                         {static_cast<std::int64_t>(values.size())}, at::kInt)
        .to(at::kLong)
        .to(device);
}

std::vector<std::int32_t> position_numbers(const corpus::Batch& batch, const ModelConfig& config) {
    std::vector<std::int32_t> positions(batch.token_count());
    for (std::size_t sequence = 0; sequence < batch.sequences(); ++sequence) {
        const std::int32_t first = batch.cu_seqlens[sequence];
        const std::int32_t last = batch.cu_seqlens[sequence + 1];
        if (last - first > config.max_positions) {
            throw InputError("a sequence has " + std::to_string(last - first) +
                             " tokens, but the model has positions for " +
                             std::to_string(config.max_positions) +
                             "; cut the sequences or choose a model with more positions");
        }
        std::iota(positions.begin() + first, positions.begin() + last, 0);
    }
    return positions;
}

at::Tensor embed(LeafCursor& leaves, const corpus::Batch& batch, const Pass& pass) {
    const at::Tensor& words = leaves.next();
    const at::Tensor& positions = leaves.next();
    const at::Tensor& types = leaves.next();
    const c10::Device device = words.device();
    at::Tensor rows = at::embedding(words, index_tensor(batch.tokens, device));
    rows.add_(at::embedding(types, index_tensor(batch.segments, device)));
    rows.add_(at::embedding(positions, index_tensor(position_numbers(batch, pass.config), device)));
    if (pass.config.norm == EncoderNorm::Post) {
        rows = leaves.next_norm()(rows);
    }
    pass.masks.apply(rows, 0, DropoutSite::Embeddings);
    return rows;
}

/// The attention sub-layer without its norm and residual.
at::Tensor self_attention(LeafCursor& leaves, const at::Tensor& rows, const Pass& pass,
                          std::int64_t layer) {
    const Linear query_key_value = leaves.next_linear();
    const Linear output = leaves.next_linear();
    const std::int64_t heads = pass.config.heads;
    const at::Tensor keep = pass.masks.probabilities(layer, heads, pass.layout.longest);
    at::Tensor result = output(attend(query_key_value(rows), heads, pass.layout, keep));
    pass.masks.apply(result, layer, DropoutSite::AttentionOutput);
    return result;
}

at::Tensor feed_forward(LeafCursor& leaves, const at::Tensor& rows, const Pass& pass,
                        std::int64_t layer) {
    const Linear intermediate = leaves.next_linear();
    const Linear output = leaves.next_linear();
    at::Tensor result = output(at::gelu(intermediate(rows)));
    pass.masks.apply(result, layer, DropoutSite::FeedForwardOutput);
    return result;
}

at::Tensor post_norm_layer(LeafCursor& leaves, const at::Tensor& rows, const Pass& pass,
                           std::int64_t layer) {
    at::Tensor attended = self_attention(leaves, rows, pass, layer).add_(rows);
    attended = leaves.next_norm()(attended);
    const at::Tensor fed = feed_forward(leaves, attended, pass, layer).add_(attended);
    return leaves.next_norm()(fed);
}

at::Tensor pre_norm_layer(LeafCursor& leaves, const at::Tensor& rows, const Pass& pass,
                          std::int64_t layer) {
    const Norm attention_norm = leaves.next_norm();
    const at::Tensor attended =
        self_attention(leaves, attention_norm(rows), pass, layer).add_(rows);
    const Norm feed_forward_norm = leaves.next_norm();
    return feed_forward(leaves, feed_forward_norm(attended), pass, layer).add_(attended);
}

}  // namespace

Bert::Bert(const ModelConfig& config, Head head, std::vector<at::Tensor> leaves)
    : config_(config), head_(head), leaves_(std::move(leaves)) {
    const std::vector<LeafSpec> specs = leaf_specs(config, head);
    expects(leaves_.size() == specs.size(), "one tensor per leaf of the model");
    for (std::size_t i = 0; i < specs.size(); ++i) {
        expects(leaves_[i].sizes() == c10::IntArrayRef(specs[i].shape()),
                "leaves of their specs' shapes");
    }
}

at::Tensor Bert::encode(const corpus::Batch& batch, const DropoutPlan& dropout) const {
    const c10::Device device = leaves_.front().device();
    const Pass pass{config_, attention_layout(batch, device), DropoutMasks(batch, dropout, device)};
    LeafCursor leaves(leaves_, config_.layer_norm_epsilon);
    at::Tensor rows = embed(leaves, batch, pass);
    for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
        rows = config_.norm == EncoderNorm::Post ? post_norm_layer(leaves, rows, pass, layer)
                                                 : pre_norm_layer(leaves, rows, pass, layer);
    }
    return config_.norm == EncoderNorm::Pre ? leaves.next_norm()(rows) : rows;
}

at::Tensor Bert::mlm_logits(const corpus::Batch& batch, const DropoutPlan& dropout) const {
    expects(head_ == Head::MaskedLm, "a model with a masked-LM head");
    LeafCursor leaves(leaves_, config_.layer_norm_epsilon);
    const at::Tensor& words = leaves.next();
    leaves.seek_last(kMaskedLmLeaves);
    const at::Tensor positions = index_tensor(batch.mlm_positions, words.device());
    const at::Tensor masked = encode(batch, dropout).index_select(0, positions);
    const Linear transform = leaves.next_linear();
    const Norm norm = leaves.next_norm();
    return at::linear(norm(at::gelu(transform(masked))), words, leaves.next());
}

LossSum Bert::mlm_loss(const corpus::Batch& batch, const DropoutPlan& dropout) const {
    const at::Tensor logits = mlm_logits(batch, dropout);
    const at::Tensor labels = index_tensor(batch.mlm_labels, logits.device());
    return {at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum),
            static_cast<std::int64_t>(batch.mlm_labels.size())};
}

at::Tensor Bert::class_logits(const corpus::Batch& batch, const DropoutPlan& dropout) const {
    expects(head_ == Head::Classification, "a model with a classification head");
    LeafCursor leaves(leaves_, config_.layer_norm_epsilon);
    leaves.seek_last(kClassificationLeaves);
    const c10::Device device = leaves_.front().device();
    const std::vector<std::int32_t> first_tokens(batch.cu_seqlens.begin(),
                                                 batch.cu_seqlens.end() - 1);
    const at::Tensor first =
        encode(batch, dropout).index_select(0, index_tensor(first_tokens, device));
    at::Tensor pooled = leaves.next_linear()(first).tanh();
    DropoutMasks(batch, dropout, device).apply_to_head(pooled);
    return leaves.next_linear()(pooled);
}

LossSum Bert::class_loss(const corpus::Batch& batch, const DropoutPlan& dropout) const {
    const at::Tensor logits = class_logits(batch, dropout);
    const auto count = static_cast<std::int64_t>(batch.sequences());
    expects(batch.targets.size() == batch.sequences(), "one target per sequence");
    const at::Tensor targets =
        at::from_blob(const_cast<float*>(batch.targets.data()), {count}, at::kFloat)
            .clone()
            .to(logits.device());
    if (config_.labels == 1) {
        return {at::mse_loss(logits.squeeze(1), targets, at::Reduction::Sum), count};
    }
    return {at::cross_entropy_loss(logits, targets.to(at::kLong), {}, at::Reduction::Sum), count};
}

}  // namespace hpml::model
