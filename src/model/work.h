#pragma once

#include <cstdint>
#include <vector>

#include "corpus/batch.h"
#include "model/config.h"

namespace hpml::model {

struct WorkShape {
    std::int64_t sequence_length = 128;
    double masked_share = 0.15;  ///< of the tokens, which the masked-language-model head sees
};

/// Floating-point operations of a sequence's forward pass in matrix products, for each leaf of
/// `leaf_specs` in its order; the backward pass needs twice as many. An addition and a
/// multiplication are two. Products without a parameter of their own count where their gradients
/// come just before: those of the attention at query, key and value, that with the tied word
/// embeddings at the decoder's bias. Embeddings, norms and activations are left out. The last layer
/// gives its output for the tokens that the head wants, and is counted so.
[[nodiscard]] std::vector<double> forward_flops(const ModelConfig& config, Head head,
                                                const WorkShape& shape);

/// The same of whole batches, forward and backward pass together.
class BatchWork {
  public:
    BatchWork(const ModelConfig& config, Head head);

    /// @return floating-point operations; what activation checkpointing computes twice counts once
    [[nodiscard]] double training_flops(const corpus::Batch& batch) const;

  private:
    // Of a sequence of n tokens, m of them masked: linear n + square n^2 + masked m + cross n m.
    double linear_ = 0;
    double square_ = 0;
    double masked_ = 0;
    double cross_ = 0;
};

}  // namespace hpml::model
