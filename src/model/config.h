#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace hpml::model {

/// Where LayerNorm stands. Post: after the residual sum (Devlin et al. 2019; Hugging Face "bert").
/// Pre: before each sub-layer, no norm on the embeddings, one behind the last layer (Hugging Face
/// "megatron-bert").
enum class EncoderNorm { Post, Pre };

/// Whose names and head an encoder has. Roberta (Liu et al. 2019; Hugging Face "roberta") computes
/// as a post-LN Bert does, but its positions begin behind the padding token's id, and what it
/// classifies by passes dropout once more.
enum class Family { Bert, Roberta };

/// What stands on the encoder.
enum class Head {
    MaskedLm,        ///< transform, norm, decoder tied to the word embeddings
    Classification,  ///< pooler (tanh on [CLS]) and a linear classifier
};

struct ModelConfig {
    std::int64_t vocabulary_size = 30522;
    std::int64_t hidden_size = 768;
    std::int64_t layers = 12;
    std::int64_t heads = 12;
    std::int64_t intermediate_size = 3072;
    std::int64_t max_positions = 512;  ///< tokens of the longest sequence
    std::int64_t segment_types = 2;
    double layer_norm_epsilon = 1e-12;
    double initializer_range = 0.02;
    EncoderNorm norm = EncoderNorm::Post;
    Family family = Family::Bert;
    std::int64_t first_position = 0;  ///< row of the position table; Roberta: padding id + 1
    std::int64_t labels = 2;          ///< Classification only; 1: regression

    [[nodiscard]] std::int64_t position_rows() const { return first_position + max_positions; }

    friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

/// The model that `--model` names: tiny 2x128, mini 4x256, small 4x512, medium 8x512, base 12x768,
/// large 24x1024 (layers x width; head width 64, intermediate 4 x width), roberta-base and
/// roberta-large, or a path ending in .json.
/// @throw UsageError for another name, MissingInputError, InputError
[[nodiscard]] ModelConfig named_model(const std::string& name);

/// As Hugging Face calls it: "bert", "megatron-bert" or "roberta".
[[nodiscard]] std::string model_type(const ModelConfig& config);
/// Let positions begin where Hugging Face looks for them with this padding id: RoBERTa's.
void set_padding(ModelConfig& config, std::int64_t padding_id);

/// From a Hugging Face `config.json` of model_type "bert", "megatron-bert" or "roberta".
/// @throw InputError naming the key for anything that this encoder cannot do (relative positions,
/// another activation, a head width that does not divide)
[[nodiscard]] ModelConfig config_from_json(const Json& json, const std::string& where);
/// `config.json` as `from_pretrained` reads it (architectures, model_type, dropout probabilities,
/// label maps).
[[nodiscard]] Json config_to_json(const ModelConfig& config, Head head, double dropout);

/// Number of parameters with this head (the tied decoder counted once).
[[nodiscard]] std::int64_t parameter_count(const ModelConfig& config, Head head);

}  // namespace hpml::model
