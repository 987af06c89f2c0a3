#include "model/activation_memory.h"

#include <array>
#include <boost/test/unit_test.hpp>
#include <numeric>
#include <vector>

#include "golden_bert.h"
#include "model/fused/fused_bert.h"

using namespace hpml;
using namespace hpml::model;

namespace {

corpus::Batch rows_of_length(int length, int count) {
    corpus::Batch batch;
    batch.clear();
    for (int row = 0; row < count; ++row) {
        std::vector<std::int32_t> ids(static_cast<std::size_t>(length));
        std::iota(ids.begin(), ids.end(), row);
        for (int i = 3; i < length; i += 7) {
            batch.mlm_positions.push_back(static_cast<std::int32_t>(batch.token_count()) + i);
            batch.mlm_labels.push_back(i);
        }
        batch.append(row, ids, std::vector<std::int32_t>(ids.size(), 0));
    }
    return batch;
}

ModelConfig config_of(std::int64_t layers, std::int64_t hidden, EncoderNorm norm) {
    ModelConfig config;
    config.vocabulary_size = 3000;
    config.layers = layers;
    config.hidden_size = hidden;
    config.heads = hidden / 32;
    config.intermediate_size = 4 * hidden;
    config.norm = norm;
    return config;
}

/// What two training passes hold, over what is predicted.
double held_over_predicted(const ModelConfig& config, const corpus::Batch& batch,
                           Checkpointing checkpointing, double dropout) {
    BertOptions options;
    options.checkpointing = checkpointing;
    const FusedBert bert(config, test::fresh_leaves(config, Head::MaskedLm, 1), options);
    for (int step = 0; step < 2; ++step) {
        bert.mlm_loss(batch, {dropout, 1, step}).backward();
    }
    ActivationShape shape;
    shape.tokens = static_cast<std::int64_t>(batch.token_count());
    shape.longest = batch.cu_seqlens[1];
    shape.labels = static_cast<std::int64_t>(batch.mlm_labels.size());
    shape.dropout = dropout > 0;
    const Bytes predicted = activation_memory(config, shape, checkpointing);
    return static_cast<double>(bert.activation_memory().value) /
           static_cast<double>(predicted.value);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(activation_memory_suite)

BOOST_AUTO_TEST_CASE(the_memory_of_training_passes_is_predicted_within_ten_percent) {
    for (const EncoderNorm norm : {EncoderNorm::Post, EncoderNorm::Pre}) {
        for (const Checkpointing checkpointing :
             {Checkpointing::Off, Checkpointing::Selective, Checkpointing::Full}) {
            for (const double dropout : {0.0, 0.1}) {
                for (const auto& [layers, hidden, length, count] :
                     {std::array{4, 128, 128, 12}, std::array{6, 256, 64, 12},
                      std::array{3, 192, 300, 4}}) {
                    const double ratio =
                        held_over_predicted(config_of(layers, hidden, norm),
                                            rows_of_length(length, count), checkpointing, dropout);
                    BOOST_TEST((ratio > 0.9 && ratio < 1.1),
                               ratio << ": " << layers << " x " << hidden << ", " << count << " x "
                                     << length << ", checkpointing "
                                     << static_cast<int>(checkpointing) << ", dropout " << dropout);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
