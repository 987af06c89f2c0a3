#include "model/config.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "base/error.h"
#include "model/parameters.h"

namespace {

using hpml::Json;
using hpml::model::config_from_json;
using hpml::model::config_to_json;
using hpml::model::EncoderNorm;
using hpml::model::Family;
using hpml::model::Head;
using hpml::model::leaf_specs;
using hpml::model::ModelConfig;
using hpml::model::named_model;
using hpml::model::parameter_count;

/// The message of the InputError that `json` brings about; empty if it brings about none.
std::string refusal(const Json& json) {
    try {
        (void)config_from_json(json, "config.json");
    } catch (const hpml::InputError& error) {
        return error.what();
    }
    return {};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(config)

BOOST_AUTO_TEST_CASE(named_sizes_have_the_published_parameter_counts) {
    // bert-base-uncased and bert-large-uncased with the MLM head and no pooler.
    BOOST_TEST(parameter_count(named_model("base"), Head::MaskedLm) == 109'514'298);
    BOOST_TEST(parameter_count(named_model("large"), Head::MaskedLm) == 335'174'458);
    // BertForSequenceClassification, two labels.
    BOOST_TEST(parameter_count(named_model("base"), Head::Classification) == 109'483'778);
    // RobertaForMaskedLM and RobertaForSequenceClassification of roberta-base.
    ModelConfig roberta = named_model("roberta-base");
    roberta.vocabulary_size = 50265;
    BOOST_TEST(parameter_count(roberta, Head::MaskedLm) == 124'697'433);
    BOOST_TEST(parameter_count(roberta, Head::Classification) == 124'647'170);
    BOOST_TEST(named_model("roberta-large").layers == 24);
    BOOST_TEST(named_model("tiny").heads == 2);
    BOOST_TEST(named_model("medium").layers == 8);
}

BOOST_AUTO_TEST_CASE(an_unknown_name_is_a_usage_error) {
    BOOST_CHECK_THROW((void)named_model("huge"), hpml::UsageError);
    BOOST_CHECK_THROW((void)named_model("roberta-tiny"), hpml::UsageError);
    BOOST_CHECK_THROW((void)named_model("/nowhere/model.json"), hpml::MissingInputError);
}

BOOST_AUTO_TEST_CASE(what_is_written_reads_back_equal) {
    ModelConfig config = named_model("mini");
    config.heads = 16;
    config.vocabulary_size = 4000;
    config.labels = 3;
    config.layer_norm_epsilon = 1e-5;
    for (const EncoderNorm norm : {EncoderNorm::Post, EncoderNorm::Pre}) {
        config.norm = norm;
        const Json json = config_to_json(config, Head::Classification, 0.1);
        BOOST_CHECK(config_from_json(json, "config.json") == config);
        BOOST_TEST(json["id2label"]["2"] == "LABEL_2");
        BOOST_TEST(json["label2id"]["LABEL_2"] == 2);
        BOOST_TEST(json["hidden_dropout_prob"] == 0.1);
    }
}

BOOST_AUTO_TEST_CASE(a_roberta_counts_its_first_rows_among_the_positions_of_its_file) {
    ModelConfig config = named_model("roberta-base");
    config.labels = 3;
    const Json json = config_to_json(config, Head::Classification, 0.1);
    BOOST_CHECK(config_from_json(json, "config.json") == config);
    BOOST_TEST(json["model_type"] == "roberta");
    BOOST_TEST(json["architectures"][0] == "RobertaForSequenceClassification");
    BOOST_TEST(json["max_position_embeddings"] == 514);
    BOOST_TEST(json["pad_token_id"] == 1);
    BOOST_TEST(json["type_vocab_size"] == 1);
    BOOST_TEST(config.max_positions == 512);
    hpml::model::set_padding(config, 7);
    const Json other = config_to_json(config, Head::MaskedLm, 0.1);
    BOOST_TEST(other["max_position_embeddings"] == 520);
    BOOST_TEST(other["pad_token_id"] == 7);
    BOOST_CHECK(config_from_json(other, "config.json").first_position == 8);
    for (const auto& [key, value] : {std::pair<std::string, Json>{"max_position_embeddings", 2},
                                     {"pad_token_id", -1},
                                     {"pad_token_id", nullptr}}) {
        Json bad = json;
        bad[key] = value;
        BOOST_TEST(refusal(bad).find(key) != std::string::npos, key << ": " << refusal(bad));
    }
}

BOOST_AUTO_TEST_CASE(absent_keys_mean_what_hugging_face_takes_them_for) {
    const ModelConfig bert = config_from_json({{"model_type", "bert"}}, "config.json");
    BOOST_CHECK(bert == named_model("base"));
    const ModelConfig megatron = config_from_json({{"model_type", "megatron-bert"}}, "x");
    BOOST_TEST(megatron.vocabulary_size == 29056);
    BOOST_TEST(megatron.layers == 24);
    BOOST_CHECK(megatron.norm == EncoderNorm::Pre);
    const ModelConfig roberta = config_from_json({{"model_type", "roberta"}}, "x");
    BOOST_CHECK(roberta.family == Family::Roberta);
    BOOST_TEST(roberta.vocabulary_size == 50265);
    BOOST_TEST(roberta.max_positions == 510);
    BOOST_TEST(roberta.segment_types == 2);
    BOOST_TEST(roberta.layer_norm_epsilon == 1e-12);
}

BOOST_AUTO_TEST_CASE(what_the_encoder_cannot_do_is_refused_by_key) {
    const Json good = config_to_json(named_model("tiny"), Head::MaskedLm, 0.1);
    BOOST_TEST(refusal(good).empty());
    const std::vector<std::pair<std::string, Json>> bad{
        {"model_type", "gpt2"},
        {"hidden_act", "relu"},
        {"position_embedding_type", "relative_key"},
        {"is_decoder", true},
        {"tie_word_embeddings", false},
        {"num_attention_heads", 3},
        {"hidden_size", -1},
        {"hidden_size", 1.5},
        {"hidden_size", 1e300},
        {"vocab_size", std::uint64_t{1} << 63},
        {"num_hidden_layers", "12"},
        {"layer_norm_eps", -1.0},
        {"id2label", Json::object()},
    };
    for (const auto& [key, value] : bad) {
        Json json = good;
        json[key] = value;
        BOOST_TEST(refusal(json).find(key) != std::string::npos,
                   key << " = " << value.dump() << ": " << refusal(json));
    }
    BOOST_TEST(!refusal(Json::array()).empty());
    BOOST_TEST(!refusal(Json::object()).empty());
}

BOOST_AUTO_TEST_CASE(leaves_stand_in_forward_order_with_one_for_query_key_and_value) {
    ModelConfig config = named_model("tiny");
    const auto post = leaf_specs(config, Head::MaskedLm);
    BOOST_TEST(post.size() == 5U + 2U * 12U + 5U);
    BOOST_TEST(post[0].parts[0].name == "bert.embeddings.word_embeddings.weight");
    BOOST_TEST(post[5].parts.size() == 3U);
    BOOST_TEST(post[5].parts[1].name == "bert.encoder.layer.0.attention.self.key.weight");
    BOOST_TEST(post[5].shape() == (std::vector<std::int64_t>{384, 128}),
               boost::test_tools::per_element());
    BOOST_TEST(post.back().parts[0].name == "cls.predictions.bias");
    config.norm = EncoderNorm::Pre;
    const auto pre = leaf_specs(config, Head::Classification);
    BOOST_TEST(pre.size() == 3U + 2U * 12U + 2U + 4U);
    BOOST_TEST(pre[3].parts[0].name == "bert.encoder.layer.0.attention.ln.weight");
    BOOST_TEST(pre[27].parts[0].name == "bert.encoder.ln.weight");
    const auto roberta = leaf_specs(named_model("roberta-base"), Head::MaskedLm);
    BOOST_TEST(roberta.size() == 5U + 12U * 12U + 5U);
    BOOST_TEST(roberta[1].shape() == (std::vector<std::int64_t>{514, 768}),
               boost::test_tools::per_element());
    BOOST_TEST(roberta[5].parts[1].name == "roberta.encoder.layer.0.attention.self.key.weight");
    BOOST_TEST(roberta.back().parts[0].name == "lm_head.bias");
}

BOOST_AUTO_TEST_CASE(only_matrices_decay) {
    for (const EncoderNorm norm : {EncoderNorm::Post, EncoderNorm::Pre}) {
        ModelConfig config = named_model("tiny");
        config.norm = norm;
        std::set<std::string> names;
        for (const auto& leaf : leaf_specs(config, Head::Classification)) {
            for (const auto& part : leaf.parts) {
                BOOST_TEST(part.decay == (part.shape.size() == 2), part.name);
                BOOST_TEST(names.insert(part.name).second, part.name << " stands twice");
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
