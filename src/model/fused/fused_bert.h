#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "corpus/batch.h"
#include "model/bert.h"
#include "model/fused/buffers.h"
#include "model/fused/pass.h"

namespace hpml::model {

/// The encoder and the masked-language-model head on CPUs as two nodes of the autograd graph, whose
/// passes are written by hand. Their backward adds gradients straight to the `grad` of the leaves
/// and runs a leaf's post-accumulate hook once it is whole: nothing is allocated or copied for a
/// leaf, and the fusion sees what it sees of LibTorch's own operators.
class FusedBert {
  public:
    /// @param leaves  as for `Bert`, in host memory
    FusedBert(const ModelConfig& config, std::vector<at::Tensor> leaves,
              const BertOptions& options);

    /// Last hidden states at `rows` (rising), [rows, hidden].
    [[nodiscard]] at::Tensor encode(const corpus::Batch& batch, std::vector<std::int32_t> rows,
                                    const DropoutPlan& dropout) const;
    /// At all rows.
    [[nodiscard]] at::Tensor encode(const corpus::Batch& batch, const DropoutPlan& dropout) const;
    /// Cross-entropy summed over the masked positions.
    [[nodiscard]] at::Tensor mlm_loss(const corpus::Batch& batch, const DropoutPlan& dropout) const;
    /// [labels, vocabulary], without a graph.
    [[nodiscard]] at::Tensor mlm_logits(const corpus::Batch& batch,
                                        const DropoutPlan& dropout) const;
    /// Of all buffers for activations.
    [[nodiscard]] Bytes activation_memory() const { return pool_->size(); }

  private:
    [[nodiscard]] Machine machine() const { return {rounding_, pool_}; }

    ModelConfig config_;
    std::vector<at::Tensor> leaves_;
    Rounding rounding_;  ///< of the factors of products
    Checkpointing checkpointing_;
    std::shared_ptr<BufferPool> pool_;
};

}  // namespace hpml::model
