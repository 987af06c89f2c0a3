#include "model/bert.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mse_loss.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "base/error.h"
#include "model/attention.h"
#include "model/dropout_mask.h"
#include "model/fused/fused_bert.h"
#include "model/parameters.h"

namespace hpml::model {
namespace {

at::Tensor rounded(const at::Tensor& factor, Precision precision) {
    return precision == Precision::Float32
               ? factor
               : factor.to(precision == Precision::BFloat16 ? at::kBFloat16 : at::kHalf);
}

struct Linear {
    at::Tensor weight;
    at::Tensor bias;
    Precision precision = Precision::Float32;

    at::Tensor operator()(const at::Tensor& rows) const {
        return at::linear(rounded(rows, precision), rounded(weight, precision),
                          rounded(bias, precision))
            .to(at::kFloat);
    }
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
    LeafCursor(const std::vector<at::Tensor>& leaves, double epsilon, Precision precision)
        : leaves_(leaves), epsilon_(epsilon), precision_(precision) {}

    const at::Tensor& next() { return leaves_[index_++]; }
    Linear next_linear() {
        const at::Tensor& weight = next();
        return {weight, next(), precision_};
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
    Precision precision_;
    std::size_t index_ = 0;
};

constexpr std::size_t kMaskedLmLeaves = 5;
constexpr std::size_t kClassificationLeaves = 4;

/// What all layers of one forward pass share.
struct Pass {
    const ModelConfig& config;
    const AttentionLayout layout;
    const DropoutMasks masks;
    const at::Tensor wanted;  ///< int64 rows that the last layer gives; undefined: all

    /// The rows that go on from the attention of this layer.
    [[nodiscard]] at::Tensor kept(const at::Tensor& rows, std::int64_t layer) const {
        return narrows(layer) ? rows.index_select(0, wanted) : rows;
    }
    [[nodiscard]] at::Tensor kept_rows(std::int64_t layer) const {
        return narrows(layer) ? wanted : at::Tensor();
    }

  private:
    [[nodiscard]] bool narrows(std::int64_t layer) const {
        return wanted.defined() && layer == config.layers - 1;
    }
};

/// A copy of `values` as int64 on `device`.
at::Tensor index_tensor(const std::vector<std::int32_t>& values, c10::Device device) {
    return at::from_blob(const_cast<std::int32_t*>(values.data()),
                         {static_cast<std::int64_t>(values.size())}, at::kInt)
        .to(at::kLong)
        .to(device);
}

/// That the tables have a row for every token's position and segment.
void require_rows(const corpus::Batch& batch, const ModelConfig& config) {
    for (std::size_t sequence = 0; sequence < batch.sequences(); ++sequence) {
        const std::int32_t first = batch.cu_seqlens[sequence];
        const std::int32_t last = batch.cu_seqlens[sequence + 1];
        if (last - first > config.max_positions) {
            throw InputError("a sequence has " + std::to_string(last - first) +
                             " tokens, but the model has positions for " +
                             std::to_string(config.max_positions) +
                             "; cut the sequences or choose a model with more positions");
        }
    }
    if (std::ranges::any_of(batch.segments, [&](std::int32_t segment) {
            return segment < 0 || segment >= config.segment_types;
        })) {
        throw InputError(
            "a sequence has tokens of segment " + std::to_string(std::ranges::max(batch.segments)) +
            ", but the model's type_vocab_size is " + std::to_string(config.segment_types) +
            " (its segments count from 0); prepare rows without pairs, or choose a "
            "model with more segments");
    }
}

/// Rows of the position table.
std::vector<std::int32_t> position_numbers(const corpus::Batch& batch, std::int64_t first) {
    std::vector<std::int32_t> positions(batch.token_count());
    for (std::size_t sequence = 0; sequence < batch.sequences(); ++sequence) {
        std::iota(positions.begin() + batch.cu_seqlens[sequence],
                  positions.begin() + batch.cu_seqlens[sequence + 1],
                  static_cast<std::int32_t>(first));
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
    rows.add_(at::embedding(
        positions, index_tensor(position_numbers(batch, pass.config.first_position), device)));
    if (pass.config.norm == EncoderNorm::Post) {
        rows = leaves.next_norm()(rows);
    }
    pass.masks.apply(rows, 0, DropoutSite::Embeddings);
    return rows;
}

/// The attention sub-layer without its norm and residual, at the rows that this layer keeps.
at::Tensor self_attention(LeafCursor& leaves, const at::Tensor& rows, const Pass& pass,
                          std::int64_t layer) {
    const Linear query_key_value = leaves.next_linear();
    const Linear output = leaves.next_linear();
    const std::int64_t heads = pass.config.heads;
    const at::Tensor keep = pass.masks.probabilities(layer, heads, pass.layout.longest);
    const at::Tensor projected = rounded(query_key_value(rows), query_key_value.precision);
    const at::Tensor context = attend(projected, heads, pass.layout, keep).to(at::kFloat);
    at::Tensor result = output(pass.kept(context, layer));
    pass.masks.apply(result, layer, DropoutSite::AttentionOutput, pass.kept_rows(layer));
    return result;
}

at::Tensor feed_forward(LeafCursor& leaves, const at::Tensor& rows, const Pass& pass,
                        std::int64_t layer) {
    const Linear intermediate = leaves.next_linear();
    const Linear output = leaves.next_linear();
    at::Tensor result = output(at::gelu(intermediate(rows)));
    pass.masks.apply(result, layer, DropoutSite::FeedForwardOutput, pass.kept_rows(layer));
    return result;
}

at::Tensor post_norm_layer(LeafCursor& leaves, const at::Tensor& rows, const Pass& pass,
                           std::int64_t layer) {
    at::Tensor attended = self_attention(leaves, rows, pass, layer).add_(pass.kept(rows, layer));
    attended = leaves.next_norm()(attended);
    const at::Tensor fed = feed_forward(leaves, attended, pass, layer).add_(attended);
    return leaves.next_norm()(fed);
}

at::Tensor pre_norm_layer(LeafCursor& leaves, const at::Tensor& rows, const Pass& pass,
                          std::int64_t layer) {
    const Norm attention_norm = leaves.next_norm();
    const at::Tensor attended =
        self_attention(leaves, attention_norm(rows), pass, layer).add_(pass.kept(rows, layer));
    const Norm feed_forward_norm = leaves.next_norm();
    return feed_forward(leaves, feed_forward_norm(attended), pass, layer).add_(attended);
}

}  // namespace

Bert::Bert(const ModelConfig& config, Head head, std::vector<at::Tensor> leaves,
           const BertOptions& options)
    : config_(config), head_(head), precision_(options.precision), leaves_(std::move(leaves)) {
    const std::vector<LeafSpec> specs = leaf_specs(config, head);
    expects(leaves_.size() == specs.size(), "one tensor per leaf of the model");
    for (std::size_t i = 0; i < specs.size(); ++i) {
        expects(leaves_[i].sizes() == c10::IntArrayRef(specs[i].shape()),
                "leaves of their specs' shapes");
    }
    if (options.computation == Computation::Auto && leaves_.front().is_cpu()) {
        fused_ = std::make_shared<const FusedBert>(config_, leaves_, options);
    }
}

at::Tensor Bert::encode(const corpus::Batch& batch, const DropoutPlan& dropout) const {
    require_rows(batch, config_);
    return fused_ ? fused_->encode(batch, dropout) : encode_by_operators(batch, dropout, {});
}

at::Tensor Bert::encode_rows(const corpus::Batch& batch, const DropoutPlan& dropout,
                             const std::vector<std::int32_t>& wanted) const {
    require_rows(batch, config_);
    return fused_ ? fused_->encode(batch, wanted, dropout)
                  : encode_by_operators(batch, dropout,
                                        index_tensor(wanted, leaves_.front().device()));
}

at::Tensor Bert::encode_by_operators(const corpus::Batch& batch, const DropoutPlan& dropout,
                                     const at::Tensor& wanted) const {
    const c10::Device device = leaves_.front().device();
    const Pass pass{config_, attention_layout(batch, device), DropoutMasks(batch, dropout, device),
                    wanted};
    LeafCursor leaves(leaves_, config_.layer_norm_epsilon, precision_);
    at::Tensor rows = embed(leaves, batch, pass);
    for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
        rows = config_.norm == EncoderNorm::Post ? post_norm_layer(leaves, rows, pass, layer)
                                                 : pre_norm_layer(leaves, rows, pass, layer);
    }
    return config_.norm == EncoderNorm::Pre ? leaves.next_norm()(rows) : rows;
}

at::Tensor Bert::mlm_logits(const corpus::Batch& batch, const DropoutPlan& dropout) const {
    expects(head_ == Head::MaskedLm, "a model with a masked-LM head");
    require_rows(batch, config_);
    const at::NoGradGuard no_grad;
    return fused_ ? fused_->mlm_logits(batch, dropout) : logits_by_operators(batch, dropout);
}

at::Tensor Bert::logits_by_operators(const corpus::Batch& batch, const DropoutPlan& dropout) const {
    LeafCursor leaves(leaves_, config_.layer_norm_epsilon, precision_);
    const at::Tensor& words = leaves.next();
    leaves.seek_last(kMaskedLmLeaves);
    const at::Tensor masked = encode_rows(batch, dropout, batch.mlm_positions);
    const Linear transform = leaves.next_linear();
    const Norm norm = leaves.next_norm();
    const Linear decoder{words, leaves.next(), precision_};
    return decoder(norm(at::gelu(transform(masked))));
}

LossSum Bert::mlm_loss(const corpus::Batch& batch, const DropoutPlan& dropout) const {
    expects(head_ == Head::MaskedLm, "a model with a masked-LM head");
    require_rows(batch, config_);
    const auto weight = static_cast<std::int64_t>(batch.mlm_labels.size());
    if (fused_) {
        return {fused_->mlm_loss(batch, dropout), weight};
    }
    const at::Tensor logits = logits_by_operators(batch, dropout);
    const at::Tensor labels = index_tensor(batch.mlm_labels, logits.device());
    return {at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum), weight};
}

at::Tensor Bert::class_logits(const corpus::Batch& batch, const DropoutPlan& dropout) const {
    expects(head_ == Head::Classification, "a model with a classification head");
    LeafCursor leaves(leaves_, config_.layer_norm_epsilon, precision_);
    leaves.seek_last(kClassificationLeaves);
    const c10::Device device = leaves_.front().device();
    const std::vector<std::int32_t> first_tokens(batch.cu_seqlens.begin(),
                                                 batch.cu_seqlens.end() - 1);
    at::Tensor first = encode_rows(batch, dropout, first_tokens);
    const DropoutMasks masks(batch, dropout, device);
    if (config_.family == Family::Roberta) {
        masks.apply_to_head(first, DropoutSite::HeadInput);
    }
    at::Tensor pooled = leaves.next_linear()(first).tanh();
    masks.apply_to_head(pooled, DropoutSite::Head);
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
