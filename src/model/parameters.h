#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/config.h"

namespace hpml::model {

/// First values. Normal: mean 0, deviation initializer_range. A pre-LN encoder keeps a token's own
/// vector in its residual stream, and its masked-language-model head starts so that the decoder can
/// read it there: the head's transform is NearIdentity (1 on the diagonal, plus Normal), and the
/// word embeddings are WidthScaled (Normal, times 768 / hidden_size), which gives every width the
/// range of first logits that BERT-base has. A post-LN encoder starts as BERT does.
enum class Init { Normal, Zeros, Ones, NearIdentity, WidthScaled };

/// One parameter under its Hugging Face name, as checkpoints hold it and optimizers see it.
struct ParameterSpec {
    std::string name;
    std::vector<std::int64_t> shape;
    Init init = Init::Normal;
    bool decay = true;  ///< weight decay; false for biases and norms

    [[nodiscard]] std::int64_t count() const;
};

/// What autograd sees as one leaf tensor: one parameter, or several stacked along the first
/// dimension (query, key and value, so that one matrix product serves all three). The parts lie
/// next to each other in memory.
struct LeafSpec {
    std::vector<ParameterSpec> parts;

    [[nodiscard]] std::vector<std::int64_t> shape() const;
    [[nodiscard]] std::int64_t count() const;
};

/// All leaves of a model in forward order; the order in which `Bert` takes its tensors.
[[nodiscard]] std::vector<LeafSpec> leaf_specs(const ModelConfig& config, Head head);

}  // namespace hpml::model
