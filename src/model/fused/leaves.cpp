#include "model/fused/leaves.h"

namespace hpml::model {

LeafMap::LeafMap(const ModelConfig& config) {
    const bool pre = config.norm == EncoderNorm::Pre;
    std::size_t next = 3;
    const auto pair = [&next] {
        next += 2;
        return LeafPair{next - 2, next - 1};
    };
    if (!pre) {
        outer_norm = pair();
    }
    for (std::int64_t i = 0; i < config.layers; ++i) {
        LayerLeaves layer;
        if (pre) {
            layer.attention_norm = pair();
        }
        layer.query_key_value = pair();
        layer.attention_output = pair();
        (pre ? layer.feed_forward_norm : layer.attention_norm) = pair();
        layer.intermediate = pair();
        layer.output = pair();
        if (!pre) {
            layer.feed_forward_norm = pair();
        }
        layers.push_back(layer);
    }
    if (pre) {
        outer_norm = pair();
    }
    head = next;
}

}  // namespace hpml::model
