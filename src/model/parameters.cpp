#include "model/parameters.h"

#include <functional>
#include <numeric>
#include <utility>

namespace hpml::model {
namespace {

/// Appends leaves in forward order.
class SpecList {
  public:
    void add(LeafSpec leaf) { leaves_.push_back(std::move(leaf)); }
    void add_weight(const std::string& name, std::vector<std::int64_t> shape,
                    Init init = Init::Normal) {
        add({{{name, std::move(shape), init, true}}});
    }
    void add_bias(const std::string& name, std::int64_t size) {
        add({{{name, {size}, Init::Zeros, false}}});
    }
    void add_linear(const std::string& name, std::int64_t out, std::int64_t in) {
        add_weight(name + ".weight", {out, in});
        add_bias(name + ".bias", out);
    }
    void add_norm(const std::string& name, std::int64_t size) {
        add({{{name + ".weight", {size}, Init::Ones, false}}});
        add_bias(name + ".bias", size);
    }
    void add_query_key_value(const std::string& name, std::int64_t size) {
        LeafSpec weights;
        LeafSpec biases;
        for (const char* part : {"query", "key", "value"}) {
            weights.parts.push_back({name + part + ".weight", {size, size}, Init::Normal, true});
            biases.parts.push_back({name + part + ".bias", {size}, Init::Zeros, false});
        }
        add(std::move(weights));
        add(std::move(biases));
    }
    std::vector<LeafSpec> take() { return std::move(leaves_); }

  private:
    std::vector<LeafSpec> leaves_;
};

std::string encoder_prefix(const ModelConfig& config) {
    return config.family == Family::Roberta ? "roberta." : "bert.";
}

void add_embeddings(SpecList& list, const ModelConfig& config) {
    const std::string prefix = encoder_prefix(config) + "embeddings.";
    const std::int64_t width = config.hidden_size;
    const bool pre = config.norm == EncoderNorm::Pre;
    list.add_weight(prefix + "word_embeddings.weight", {config.vocabulary_size, width},
                    pre ? Init::WidthScaled : Init::Normal);
    list.add_weight(prefix + "position_embeddings.weight", {config.position_rows(), width});
    list.add_weight(prefix + "token_type_embeddings.weight", {config.segment_types, width});
    if (!pre) {
        list.add_norm(prefix + "LayerNorm", width);
    }
}

void add_layer(SpecList& list, const ModelConfig& config, std::int64_t layer) {
    const std::string prefix =
        encoder_prefix(config) + "encoder.layer." + std::to_string(layer) + ".";
    const std::int64_t width = config.hidden_size;
    const bool pre = config.norm == EncoderNorm::Pre;
    if (pre) {
        list.add_norm(prefix + "attention.ln", width);
    }
    list.add_query_key_value(prefix + "attention.self.", width);
    list.add_linear(prefix + "attention.output.dense", width, width);
    list.add_norm(prefix + (pre ? "ln" : "attention.output.LayerNorm"), width);
    list.add_linear(prefix + "intermediate.dense", config.intermediate_size, width);
    list.add_linear(prefix + "output.dense", width, config.intermediate_size);
    if (!pre) {
        list.add_norm(prefix + "output.LayerNorm", width);
    }
}

/// The names of both heads' parts.
struct HeadNames {
    const char* transform;
    const char* norm;
    const char* decoder_bias;
    const char* pooler;
    const char* classifier;
};
constexpr HeadNames kBertHead{"cls.predictions.transform.dense",
                              "cls.predictions.transform.LayerNorm", "cls.predictions.bias",
                              "bert.pooler.dense", "classifier"};
constexpr HeadNames kRobertaHead{"lm_head.dense", "lm_head.layer_norm", "lm_head.bias",
                                 "classifier.dense", "classifier.out_proj"};

void add_head(SpecList& list, const ModelConfig& config, Head head) {
    const std::int64_t width = config.hidden_size;
    const HeadNames& names = config.family == Family::Roberta ? kRobertaHead : kBertHead;
    if (head == Head::MaskedLm) {
        const std::string transform = names.transform;
        const bool pre = config.norm == EncoderNorm::Pre;
        list.add_weight(transform + ".weight", {width, width},
                        pre ? Init::NearIdentity : Init::Normal);
        list.add_bias(transform + ".bias", width);
        list.add_norm(names.norm, width);
        list.add_bias(names.decoder_bias, config.vocabulary_size);
    } else {
        list.add_linear(names.pooler, width, width);
        list.add_linear(names.classifier, config.labels, width);
    }
}

}  // namespace

std::int64_t ParameterSpec::count() const {
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::vector<std::int64_t> LeafSpec::shape() const {
    std::vector<std::int64_t> stacked = parts.front().shape;
    stacked.front() *= static_cast<std::int64_t>(parts.size());
    return stacked;
}

std::int64_t LeafSpec::count() const {
    return parts.front().count() * static_cast<std::int64_t>(parts.size());
}

std::vector<LeafSpec> leaf_specs(const ModelConfig& config, Head head) {
    SpecList list;
    add_embeddings(list, config);
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
        add_layer(list, config, layer);
    }
    if (config.norm == EncoderNorm::Pre) {
        list.add_norm("bert.encoder.ln", config.hidden_size);
    }
    add_head(list, config, head);
    return list.take();
}

}  // namespace hpml::model
