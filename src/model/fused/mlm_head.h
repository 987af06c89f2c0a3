#pragma once

#include <cstdint>
#include <vector>

#include "model/fused/dense.h"
#include "model/fused/pass.h"

namespace hpml::model {

/// The masked-language-model head over chosen rows and the cross-entropy of its logits, forward and
/// backward. Logits of all rows are kept up to kKeptLogits; beyond that they exist for some rows at
/// a time and are computed once more in the backward pass.
class MlmHeadPass {
  public:
    static constexpr std::int64_t kKeptLogits = std::int64_t{1} << 24;  ///< numbers, 64 MiB

    /// @param labels  one for each row of the input
    MlmHeadPass(const ModelConfig& config, Machine machine, std::vector<std::int32_t> labels,
                std::int64_t kept_logits = kKeptLogits);

    /// @param input  [labels, hidden]
    /// @return the cross-entropy, summed over the rows
    [[nodiscard]] double forward(const Leaves& leaves, const float* input);
    /// [labels, vocabulary]
    void logits(const Leaves& leaves, const float* input, float* result);
    /// Add to the gradients of the head's leaves and of the word embeddings, which are not ready
    /// then. Once.
    /// @param scale  gradient of the sum that `forward` returned
    /// @param gradient  of the input, [labels, hidden]
    void backward(const Leaves& leaves, float scale, const float* input, float* gradient);

  private:
    [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(labels_.size()); }
    [[nodiscard]] Dense transform(const Leaves& leaves) const;
    [[nodiscard]] NormRows norm(const Leaves& leaves, std::int64_t rows) const;
    /// Transform, GELU and norm: fills what the backward pass needs and `hidden_`.
    void read(const Leaves& leaves, const float* input);
    /// Logits of rows [first, last), `stride_` apart.
    void compute_logits(const Leaves& leaves, std::int64_t first, std::int64_t last,
                        float* logits) const;
    /// Logits become their gradients, and these go on to the leaves and `gradient`.
    void backward_rows(const Leaves& leaves, float scale, std::int64_t first, std::int64_t last,
                       float* logits, float* gradient);

    ModelConfig config_;
    LeafMap map_;
    Machine machine_;
    std::vector<std::int32_t> labels_;
    std::int64_t stride_;      ///< of a row of logits: the vocabulary, padded to a multiple of 64
    std::int64_t block_rows_;  ///< whose logits exist at a time
    Buffer transformed_;       ///< [rows, hidden] before GELU
    Buffer unit_rows_;
    Buffer deviation_;
    Buffer hidden_;    ///< [rows, hidden] what the decoder sees
    Buffer log_sums_;  ///< [rows]
    Buffer logits_;    ///< [rows, stride] if all are kept
};

}  // namespace hpml::model
