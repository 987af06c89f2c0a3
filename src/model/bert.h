#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "corpus/batch.h"
#include "model/computation.h"
#include "model/config.h"

namespace hpml::model {

/// Which dropout a forward pass uses. The keep decision of an element is a pure function of (seed,
/// step, sample, layer, site, element within the sample): no generator state, the same on any rank
/// and micro-batch.
struct DropoutPlan {
    double probability = 0.0;  ///< 0: no dropout (evaluation)
    std::uint64_t seed = 0;
    std::int64_t step = 0;
};

/// A loss summed over what it counts; the mean is made once, over all ranks.
struct LossSum {
    at::Tensor sum;           ///< scalar, differentiable
    std::int64_t weight = 0;  ///< masked tokens (MLM) or sequences (classification)
};

class FusedBert;

/// A BERT encoder with one head over leaf tensors that somebody else owns (views of the arena, or
/// plain tensors). No state of its own but memory for activations; `const` methods may be called
/// with gradients on or off, by one thread at a time.
class Bert {
  public:
    /// @param leaves  one tensor per leaf_specs(config, head), same order and shapes, fp32, on one
    /// device
    Bert(const ModelConfig& config, Head head, std::vector<at::Tensor> leaves,
         const BertOptions& options = {});

    /// Last hidden states, [tokens, hidden]. Rows of a sequence attend to that sequence only.
    /// @throw InputError if a sequence is longer than max_positions or has a segment that the model
    /// has not
    [[nodiscard]] at::Tensor encode(const corpus::Batch& batch, const DropoutPlan& dropout) const;
    /// MLM logits at the batch's masked positions, [labels, vocabulary], without a graph.
    [[nodiscard]] at::Tensor mlm_logits(const corpus::Batch& batch,
                                        const DropoutPlan& dropout) const;
    /// Cross-entropy summed over the masked positions.
    [[nodiscard]] LossSum mlm_loss(const corpus::Batch& batch, const DropoutPlan& dropout) const;
    /// [sequences, labels].
    [[nodiscard]] at::Tensor class_logits(const corpus::Batch& batch,
                                          const DropoutPlan& dropout) const;
    /// Cross-entropy (or squared error when labels == 1) summed over the sequences.
    [[nodiscard]] LossSum class_loss(const corpus::Batch& batch, const DropoutPlan& dropout) const;

    [[nodiscard]] const ModelConfig& config() const { return config_; }

  private:
    /// Last hidden states at the rows `wanted`, all that the last layer computes behind its
    /// attention.
    [[nodiscard]] at::Tensor encode_rows(const corpus::Batch& batch, const DropoutPlan& dropout,
                                         const std::vector<std::int32_t>& wanted) const;
    /// The same with LibTorch's operators. @param wanted  int64; undefined: all rows
    [[nodiscard]] at::Tensor encode_by_operators(const corpus::Batch& batch,
                                                 const DropoutPlan& dropout,
                                                 const at::Tensor& wanted) const;
    [[nodiscard]] at::Tensor logits_by_operators(const corpus::Batch& batch,
                                                 const DropoutPlan& dropout) const;

    ModelConfig config_;
    Head head_;
    Precision precision_;
    std::vector<at::Tensor> leaves_;
    std::shared_ptr<const FusedBert> fused_;  ///< null: operators
};

/// Values of step 0 for one leaf: keyed by (seed, parameter name, element), so that neither ranks
/// nor the order of construction matter. Normal values by Box-Muller from Philox words.
/// @param leaf  the tensor to fill, as `LeafSpec::shape()`
void initialize_leaf(const struct LeafSpec& spec, const ModelConfig& config, std::uint64_t seed,
                     const at::Tensor& leaf);

}  // namespace hpml::model
