#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "model/config.h"

namespace hpml::model {

/// Weight and bias of a linear map or a norm, as indices into `leaf_specs`.
struct LeafPair {
    std::size_t weight = 0;
    std::size_t bias = 0;
};

struct LayerLeaves {
    LeafPair query_key_value;
    LeafPair attention_output;
    LeafPair attention_norm;  ///< behind the attention (post) or before it (pre)
    LeafPair intermediate;
    LeafPair output;
    LeafPair feed_forward_norm;  ///< behind the feed-forward part (post) or before it (pre)
};

/// Where `leaf_specs` has what.
struct LeafMap {
    std::size_t words = 0;
    std::size_t positions = 1;
    std::size_t types = 2;
    LeafPair outer_norm;  ///< of the embeddings (post) or behind the last layer (pre)
    std::vector<LayerLeaves> layers;
    std::size_t head = 0;  ///< the first of the head

    explicit LeafMap(const ModelConfig& config);
};

/// The numbers of all leaves, fp32 in host memory.
class Leaves {
  public:
    Leaves(std::vector<const float*> values, std::vector<float*> gradients,
           std::function<void(std::size_t)> ready)
        : values_(std::move(values)), gradients_(std::move(gradients)), ready_(std::move(ready)) {}

    [[nodiscard]] const float* value(std::size_t leaf) const { return values_[leaf]; }
    /// What the backward pass adds to.
    [[nodiscard]] float* gradient(std::size_t leaf) const { return gradients_[leaf]; }
    /// This backward pass adds nothing more to them.
    void ready(LeafPair pair) const {
        ready_(pair.bias);
        ready_(pair.weight);
    }
    void ready(std::size_t leaf) const { ready_(leaf); }

  private:
    std::vector<const float*> values_;
    std::vector<float*> gradients_;
    std::function<void(std::size_t)> ready_;
};

}  // namespace hpml::model
