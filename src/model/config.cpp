#include "model/config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/error.h"
#include "model/parameters.h"

namespace hpml::model {
namespace {

struct NamedSize {
    std::string_view name;
    std::int64_t layers;
    std::int64_t width;
};

constexpr std::array<NamedSize, 6> kNamedSizes{{{"tiny", 2, 128},
                                                {"mini", 4, 256},
                                                {"small", 4, 512},
                                                {"medium", 8, 512},
                                                {"base", 12, 768},
                                                {"large", 24, 1024}}};
constexpr std::int64_t kHeadWidth = 64;
constexpr std::string_view kRoberta = "roberta";
/// Of its own vocabulary, and what Hugging Face takes where a file says nothing.
constexpr std::int64_t kRobertaPadding = 1;

/// Reads members that may be absent, as Hugging Face does, and refuses values that make no encoder.
class ConfigReader {
  public:
    ConfigReader(const Json& json, const std::string& where) : json_(json), where_(where) {}

    /// A whole number from `least` to `limit`; `fallback` if the key is absent.
    std::int64_t count(const char* key, std::int64_t fallback, std::int64_t limit,
                       std::int64_t least = 1) const {
        if (!json_.contains(key)) {
            return fallback;
        }
        const auto& member = json_.at(key);
        if (!member.is_number_integer() || member < least || member > limit) {
            fail(key,
                 "a whole number from " + std::to_string(least) + " to " + std::to_string(limit));
        }
        return member.get<std::int64_t>();
    }

    double number(const char* key, double fallback) const {
        if (!json_.contains(key)) {
            return fallback;
        }
        const auto value = json_member<double>(json_, key, where_);
        if (!std::isfinite(value) || value < 0.0) {
            fail(key, "a finite number, not negative");
        }
        return value;
    }

    /// Refuse any value but `allowed`; an absent or null key means the same as `allowed`.
    void only(const char* key, const Json& allowed) const {
        if (json_.contains(key) && !json_.at(key).is_null() && json_.at(key) != allowed) {
            fail(key, allowed.dump() + " (this encoder has nothing else)");
        }
    }

    [[noreturn]] void fail(const char* key, const std::string& wanted) const {
        throw InputError(where_ + ": key '" + key + "' is " + json_.at(key).dump() +
                         "; it must be " + wanted);
    }

  private:
    const Json& json_;
    const std::string& where_;
};

std::int64_t label_count(const Json& json, const ConfigReader& reader) {
    if (!json.contains("id2label")) {
        return reader.count("num_labels", 2, 65536);
    }
    const Json& labels = json.at("id2label");
    if (!labels.is_object() || labels.empty() || labels.size() > 65536) {
        reader.fail("id2label", "a map from index to name with at least one entry");
    }
    return static_cast<std::int64_t>(labels.size());
}

/// What Hugging Face takes for keys that a file leaves out.
ModelConfig defaults_of(const std::string& model_type, const std::string& where) {
    if (model_type == "bert") {
        return {};
    }
    if (model_type == "megatron-bert") {
        return {.vocabulary_size = 29056,
                .hidden_size = 1024,
                .layers = 24,
                .heads = 16,
                .intermediate_size = 4096,
                .norm = EncoderNorm::Pre};
    }
    if (model_type == kRoberta) {
        return {.vocabulary_size = 50265, .family = Family::Roberta};
    }
    throw InputError(where + ": key 'model_type' is \"" + model_type +
                     "\", which is no encoder of this program; it must be \"bert\", "
                     "\"megatron-bert\" or \"roberta\"");
}

/// Hugging Face counts RoBERTa's rows in front of the first position among its positions.
void read_positions(ModelConfig& config, const ConfigReader& reader) {
    constexpr std::int64_t kMost = 1 << 16;
    std::int64_t rows = reader.count("max_position_embeddings", config.max_positions, kMost);
    if (config.family == Family::Roberta) {
        set_padding(config, reader.count("pad_token_id", kRobertaPadding, kMost, 0));
        if (rows <= config.first_position) {
            reader.fail("max_position_embeddings",
                        "more than pad_token_id + 1 (RoBERTa's positions begin there)");
        }
        rows -= config.first_position;
    }
    config.max_positions = rows;
}

/// RoBERTa's own settings (Liu et al. 2019), whatever the size.
void make_roberta(ModelConfig& config) {
    config.family = Family::Roberta;
    config.segment_types = 1;
    config.layer_norm_epsilon = 1e-5;
    set_padding(config, kRobertaPadding);
}

void add_labels(Json& json, std::int64_t labels) {
    Json names = Json::object();
    Json indices = Json::object();
    for (std::int64_t label = 0; label < labels; ++label) {
        const std::string name = "LABEL_" + std::to_string(label);
        names[std::to_string(label)] = name;
        indices[name] = label;
    }
    json["id2label"] = std::move(names);
    json["label2id"] = std::move(indices);
    json["problem_type"] = labels == 1 ? "regression" : "single_label_classification";
}

}  // namespace

ModelConfig named_model(const std::string& name) {
    if (name.ends_with(".json")) {
        return config_from_json(read_json(name), name);
    }
    const bool is_roberta = name == "roberta-base" || name == "roberta-large";
    const std::string size_name = is_roberta ? name.substr(kRoberta.size() + 1) : name;
    const auto found = std::find_if(kNamedSizes.begin(), kNamedSizes.end(),
                                    [&](const NamedSize& size) { return size.name == size_name; });
    if (found == kNamedSizes.end()) {
        throw UsageError("unknown model '" + name +
                         "'; give tiny, mini, small, medium, base, large, roberta-base, "
                         "roberta-large or the path of a config.json");
    }
    ModelConfig config;
    config.layers = found->layers;
    config.hidden_size = found->width;
    config.heads = found->width / kHeadWidth;
    config.intermediate_size = 4 * found->width;
    if (is_roberta) {
        make_roberta(config);
    }
    return config;
}

std::string model_type(const ModelConfig& config) {
    if (config.family == Family::Roberta) {
        return std::string(kRoberta);
    }
    return config.norm == EncoderNorm::Pre ? "megatron-bert" : "bert";
}

void set_padding(ModelConfig& config, std::int64_t padding_id) {
    if (config.family == Family::Roberta) {
        config.first_position = padding_id + 1;
    }
}

ModelConfig config_from_json(const Json& json, const std::string& where) {
    ModelConfig config = defaults_of(json_member<std::string>(json, "model_type", where), where);
    const ConfigReader reader(json, where);
    config.vocabulary_size = reader.count("vocab_size", config.vocabulary_size, 1 << 24);
    config.hidden_size = reader.count("hidden_size", config.hidden_size, 1 << 16);
    config.layers = reader.count("num_hidden_layers", config.layers, 1023);
    config.heads = reader.count("num_attention_heads", config.heads, 1 << 12);
    config.intermediate_size = reader.count("intermediate_size", config.intermediate_size, 1 << 18);
    read_positions(config, reader);
    config.segment_types = reader.count("type_vocab_size", config.segment_types, 1 << 16);
    config.layer_norm_epsilon = reader.number("layer_norm_eps", config.layer_norm_epsilon);
    config.initializer_range = reader.number("initializer_range", config.initializer_range);
    config.labels = label_count(json, reader);
    reader.only("hidden_act", "gelu");
    reader.only("position_embedding_type", "absolute");
    reader.only("is_decoder", false);
    reader.only("add_cross_attention", false);
    reader.only("tie_word_embeddings", true);
    if (config.hidden_size % config.heads != 0) {
        throw InputError(where + ": key 'hidden_size' is " + std::to_string(config.hidden_size) +
                         ", which 'num_attention_heads' = " + std::to_string(config.heads) +
                         " does not divide; every head needs the same width");
    }
    return config;
}

Json config_to_json(const ModelConfig& config, Head head, double dropout) {
    const bool is_roberta = config.family == Family::Roberta;
    const std::string family = is_roberta                        ? "Roberta"
                               : config.norm == EncoderNorm::Pre ? "MegatronBert"
                                                                 : "Bert";
    const bool classifies = head == Head::Classification;
    Json json;
    json["architectures"] = {family + (classifies ? "ForSequenceClassification" : "ForMaskedLM")};
    json["model_type"] = model_type(config);
    json["attention_probs_dropout_prob"] = dropout;
    json["hidden_act"] = "gelu";
    json["hidden_dropout_prob"] = dropout;
    json["hidden_size"] = config.hidden_size;
    json["initializer_range"] = config.initializer_range;
    json["intermediate_size"] = config.intermediate_size;
    json["layer_norm_eps"] = config.layer_norm_epsilon;
    json["max_position_embeddings"] = config.position_rows();
    json["num_attention_heads"] = config.heads;
    json["num_hidden_layers"] = config.layers;
    json["pad_token_id"] = is_roberta ? config.first_position - 1 : 0;
    json["tie_word_embeddings"] = true;
    json["torch_dtype"] = "float32";
    json["type_vocab_size"] = config.segment_types;
    json["vocab_size"] = config.vocabulary_size;
    if (classifies) {
        add_labels(json, config.labels);
    }
    return json;
}

std::int64_t parameter_count(const ModelConfig& config, Head head) {
    std::int64_t count = 0;
    for (const LeafSpec& leaf : leaf_specs(config, head)) {
        count += leaf.count();
    }
    return count;
}

}  // namespace hpml::model
