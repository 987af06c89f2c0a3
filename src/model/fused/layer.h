#pragma once

#include <cstdint>

#include "model/fused/attention.h"
#include "model/fused/dense.h"
#include "model/fused/pass.h"

namespace hpml::model {

/// What the backward pass of a layer needs. [rows] are all rows of the batch, [chosen] those that
/// the layer gives: the last layer's may be few.
struct LayerKept {
    Buffer input;           ///< [rows, hidden]; full checkpointing only
    Buffer query;           ///< [chosen, hidden] where chosen are not all rows
    Buffer key_value;       ///< [rows, 2 * hidden] then, else [rows, 3 * hidden], query first
    Buffer context;         ///< [chosen, hidden]
    Buffer log_sums;        ///< [chosen, heads]
    Buffer attention_norm;  ///< [chosen, hidden] (post) or [rows, hidden] (pre), unit rows
    Buffer attention_deviation;
    Buffer wide;               ///< [chosen, intermediate] before GELU; not if selective
    Buffer feed_forward_norm;  ///< [chosen, hidden], unit rows
    Buffer feed_forward_deviation;
};

/// One layer in one pass.
class Layer {
  public:
    /// @param chosen  the rows that it gives
    Layer(const PassContext& pass, const Leaves& leaves, std::int64_t number,
          const RowChoice& chosen);

    /// @param input  [rows, hidden]; @param output  [chosen, hidden]
    void forward(const float* input, LayerKept& kept, float* output) const;
    /// @param input  as in the forward pass; null is enough for a pre-norm layer
    /// @param gradient  of the output, [chosen, hidden]; is lost
    /// @return of the input, [rows, hidden]
    [[nodiscard]] Buffer backward(const float* input, LayerKept& kept, Buffer gradient) const;

  private:
    [[nodiscard]] bool is_post() const { return pass_.config.norm == EncoderNorm::Post; }
    [[nodiscard]] bool is_narrow() const { return chosen_.count() != pass_.batch.count(); }
    [[nodiscard]] Dense dense(LeafPair pair, std::int64_t outputs, std::int64_t inputs) const;
    [[nodiscard]] DenseGradient gradient_of(LeafPair pair) const;
    /// Outputs [first, last) of query, key and value, in units of the hidden size.
    [[nodiscard]] Dense projection(std::int64_t first, std::int64_t last) const;
    [[nodiscard]] DenseGradient projection_gradient(std::int64_t first) const;
    [[nodiscard]] AttentionRows attention_rows(const LayerKept& kept) const;
    [[nodiscard]] NormRows attention_norm() const;
    [[nodiscard]] NormRows feed_forward_norm() const;
    [[nodiscard]] DroppedRows dropped(DropoutSite site) const { return {chosen_, number_, site}; }

    void attend_to(const float* rows, LayerKept& kept) const;
    void forward_post(const float* input, LayerKept& kept, float* output) const;
    void forward_pre(const float* input, LayerKept& kept, float* output) const;
    [[nodiscard]] Buffer backward_post(const float* input, LayerKept& kept, Buffer gradient) const;
    [[nodiscard]] Buffer backward_pre(LayerKept& kept, Buffer gradient) const;
    /// The wide rows once more, where they were not kept. @param rows  the feed-forward part's
    /// input
    void restore_wide(const float* rows, LayerKept& kept) const;
    /// From the gradient of the feed-forward part's result to that of its input, [chosen, hidden].
    void feed_forward_backward(const float* slopes, const float* rows, LayerKept& kept,
                               float* gradient, Into into) const;
    /// Down to the gradients of query, key and value, which then stand in `kept`.
    void context_backward(const float* slopes, LayerKept& kept) const;
    /// Of query, key and value. @param chosen_gradient  [chosen, hidden] what the chosen rows add
    /// to the gradient of `rows`; null: nothing
    [[nodiscard]] Buffer projection_backward(const float* rows, LayerKept& kept,
                                             Buffer chosen_gradient) const;

    const PassContext& pass_;
    const Leaves& leaves_;
    std::int64_t number_;
    const RowChoice& chosen_;
    const LayerLeaves& map_;
    std::int64_t rows_;
    std::int64_t count_;  ///< of chosen rows
    std::int64_t hidden_;
    std::int64_t wide_;
};

}  // namespace hpml::model
