#pragma once

#include <cstdint>
#include <vector>

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
/// embeddings at the decoder's bias. Embeddings, norms and activations are left out.
[[nodiscard]] std::vector<double> forward_flops(const ModelConfig& config, Head head,
                                                const WorkShape& shape);

}  // namespace hpml::model
