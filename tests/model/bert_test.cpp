#include "model/bert.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.h"
#include "golden_bert.h"

namespace {

using hpml::corpus::Batch;
using hpml::model::Bert;
using hpml::model::DropoutPlan;
using hpml::model::EncoderNorm;
using hpml::model::Head;
using hpml::model::LossSum;
using hpml::model::ModelConfig;
using hpml::test::fresh_leaves;
using hpml::test::GoldenBert;
using hpml::test::largest_difference;
using hpml::test::pick;
using hpml::test::small_config;

const DropoutPlan kNoDropout{};
const DropoutPlan kDropout{.probability = 0.3, .seed = 5, .step = 17};

LossSum loss_of(const Bert& bert, Head head, const Batch& batch, const DropoutPlan& dropout) {
    return head == Head::MaskedLm ? bert.mlm_loss(batch, dropout) : bert.class_loss(batch, dropout);
}

at::Tensor logits_of(const Bert& bert, Head head, const Batch& batch) {
    return head == Head::MaskedLm ? bert.mlm_logits(batch, kNoDropout)
                                  : bert.class_logits(batch, kNoDropout);
}

/// Loss, logits and every gradient against what Hugging Face computed.
void compare_with_golden(const std::string& prefix, double tolerance) {
    BOOST_TEST_CONTEXT(prefix) {
        const GoldenBert golden(prefix);
        const auto leaves = golden.leaves();
        const Bert bert(golden.config(), golden.head(), leaves);
        const Batch batch = golden.batch();
        BOOST_TEST(largest_difference(logits_of(bert, golden.head(), batch),
                                      golden.tensor("output.logits")) <= tolerance);
        const LossSum loss = loss_of(bert, golden.head(), batch, kNoDropout);
        BOOST_TEST(loss.weight == (golden.head() == Head::MaskedLm ? 6 : 3));
        BOOST_TEST(loss.sum.item<double>() == golden.tensor("output.loss").item<double>(),
                   boost::test_tools::tolerance(1e-6));
        loss.sum.backward();
        for (std::size_t i = 0; i < leaves.size(); ++i) {
            std::int64_t row = 0;
            for (const auto& part : golden.specs()[i].parts) {
                const at::Tensor expected = golden.tensor("gradient." + part.name);
                const at::Tensor actual = leaves[i].grad().narrow(0, row, part.shape.front());
                row += part.shape.front();
                // Relative to the largest element: a sum over six labels is not of order one.
                const double scale = std::max(1.0, expected.abs().max().item<double>());
                BOOST_TEST(largest_difference(actual, expected) <= tolerance * scale, part.name);
            }
        }
    }
}

Batch batch_of_lengths(const std::vector<int>& lengths) {
    Batch batch;
    batch.clear();
    for (const int length : lengths) {
        std::vector<std::int32_t> ids(static_cast<std::size_t>(length));
        std::iota(ids.begin(), ids.end(), 3 * static_cast<int>(batch.sequences()) + 1);
        const std::vector<std::int32_t> types(ids.size(), static_cast<int>(batch.sequences() % 2));
        const auto first = static_cast<std::int32_t>(batch.token_count());
        batch.append(static_cast<std::int64_t>(40 + batch.sequences()), ids, types);
        batch.mlm_positions.push_back(first + length / 2);
        batch.mlm_labels.push_back(length);
        batch.targets.push_back(static_cast<float>(batch.sequences() % 2));
    }
    return batch;
}

struct Outcome {
    double loss = 0.0;
    std::vector<at::Tensor> gradients;
};

/// Sum of the losses and gradients of several batches over the same new model.
Outcome run(const ModelConfig& config, Head head, const std::vector<Batch>& batches,
            const DropoutPlan& dropout) {
    const auto leaves = fresh_leaves(config, head, 1);
    const Bert bert(config, head, leaves);
    Outcome outcome;
    for (const Batch& batch : batches) {
        const LossSum loss = loss_of(bert, head, batch, dropout);
        outcome.loss += loss.sum.item<double>();
        loss.sum.backward();
    }
    for (const at::Tensor& leaf : leaves) {
        outcome.gradients.push_back(leaf.grad());
    }
    return outcome;
}

void expect_equal(const Outcome& a, const Outcome& b) {
    BOOST_TEST(a.loss == b.loss, boost::test_tools::tolerance(1e-5));
    for (std::size_t i = 0; i < a.gradients.size(); ++i) {
        const double scale = std::max(1.0, a.gradients[i].abs().max().item<double>());
        BOOST_TEST(largest_difference(a.gradients[i], b.gradients[i]) <= 2e-5 * scale,
                   "leaf " << i);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bert)

BOOST_AUTO_TEST_CASE(logits_loss_and_gradients_equal_those_of_hugging_face) {
    const std::string folder = HPML_SOURCE_DIR "/tests/golden/";
    for (const char* name : {"bert_post_mlm", "bert_pre_mlm", "bert_post_class",
                             "bert_pre_regression", "roberta_mlm", "roberta_class"}) {
        compare_with_golden(folder + name, 1e-5);
    }
    if (const char* chosen = std::getenv("HPML_GOLDEN_BERT")) {
        compare_with_golden(chosen, 1e-5);
    }
}

BOOST_AUTO_TEST_CASE(a_sequence_does_not_see_its_neighbours) {
    for (const EncoderNorm norm : {EncoderNorm::Post, EncoderNorm::Pre}) {
        for (const Head head : {Head::MaskedLm, Head::Classification}) {
            const ModelConfig config = small_config(norm);
            const Batch all = batch_of_lengths({5, 16, 1, 9});
            const std::vector<Batch> alone{pick(all, {0}), pick(all, {1}), pick(all, {2}),
                                           pick(all, {3})};
            expect_equal(run(config, head, {all}, kNoDropout),
                         run(config, head, alone, kNoDropout));
        }
    }
}

BOOST_AUTO_TEST_CASE(equally_long_sequences_give_the_same_without_the_padding_path) {
    const ModelConfig config = small_config(EncoderNorm::Post);
    const Batch mixed = batch_of_lengths({8, 8, 5});
    // {8, 8} takes the view, {8, 8, 5} the padded way.
    expect_equal(run(config, Head::MaskedLm, {mixed}, kNoDropout),
                 run(config, Head::MaskedLm, {pick(mixed, {0, 1}), pick(mixed, {2})}, kNoDropout));
}

BOOST_AUTO_TEST_CASE(dropout_does_not_depend_on_the_grouping_into_batches) {
    for (const EncoderNorm norm : {EncoderNorm::Post, EncoderNorm::Pre}) {
        for (const Head head : {Head::MaskedLm, Head::Classification}) {
            const ModelConfig config = small_config(norm);
            const Batch all = batch_of_lengths({5, 16, 9, 9});
            const Outcome together = run(config, head, {all}, kDropout);
            expect_equal(together,
                         run(config, head, {pick(all, {3, 0}), pick(all, {1, 2})}, kDropout));
            expect_equal(
                together,
                run(config, head, {pick(all, {2, 3}), pick(all, {1}), pick(all, {0})}, kDropout));
        }
    }
}

BOOST_AUTO_TEST_CASE(dropout_changes_with_step_and_seed_and_vanishes_at_probability_zero) {
    const ModelConfig config = small_config(EncoderNorm::Post);
    const Batch batch = batch_of_lengths({8, 8});
    const auto loss = [&](const DropoutPlan& plan) {
        return run(config, Head::MaskedLm, {batch}, plan).loss;
    };
    const double reference = loss(kDropout);
    BOOST_TEST(loss(kDropout) == reference);
    BOOST_TEST(loss({.probability = 0.3, .seed = 5, .step = 18}) != reference);
    BOOST_TEST(loss({.probability = 0.3, .seed = 6, .step = 17}) != reference);
    BOOST_TEST(loss({.probability = 0.0, .seed = 6, .step = 17}) == loss(kNoDropout));
    // The way with stored probabilities, hardly anything dropped, against the one without.
    BOOST_TEST(loss({.probability = 1e-9, .seed = 5, .step = 17}) == loss(kNoDropout),
               boost::test_tools::tolerance(1e-5));
}

BOOST_AUTO_TEST_CASE(a_batch_without_masked_tokens_has_loss_zero_and_gradients_zero) {
    Batch batch = batch_of_lengths({4, 7});
    batch.mlm_positions.clear();
    batch.mlm_labels.clear();
    const Outcome outcome = run(small_config(EncoderNorm::Post), Head::MaskedLm, {batch}, {});
    BOOST_TEST(outcome.loss == 0.0);
    for (const at::Tensor& gradient : outcome.gradients) {
        BOOST_TEST(gradient.abs().max().item<double>() == 0.0);
    }
}

BOOST_AUTO_TEST_CASE(gradients_are_added_into_views_of_one_buffer) {
    const ModelConfig config = small_config(EncoderNorm::Post);
    const Batch batch = batch_of_lengths({6, 6});
    const Outcome plain = run(config, Head::MaskedLm, {batch}, kNoDropout);
    auto leaves = fresh_leaves(config, Head::MaskedLm, 1);
    std::vector<const void*> places;
    for (at::Tensor& leaf : leaves) {
        leaf.mutable_grad() = leaf.detach().mul(0.0);
        places.push_back(leaf.grad().const_data_ptr());
    }
    Bert(config, Head::MaskedLm, leaves).mlm_loss(batch, kNoDropout).sum.backward();
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        BOOST_TEST(leaves[i].grad().const_data_ptr() == places[i]);
        BOOST_TEST(largest_difference(leaves[i].grad(), plain.gradients[i]) <= 1e-6);
    }
}

BOOST_AUTO_TEST_CASE(a_sequence_longer_than_the_model_is_an_input_error) {
    const ModelConfig config = small_config(EncoderNorm::Post);
    const Bert bert(config, Head::MaskedLm, fresh_leaves(config, Head::MaskedLm, 1));
    const Batch batch = batch_of_lengths({17});
    BOOST_CHECK_EXCEPTION(
        (void)bert.encode(batch, kNoDropout), hpml::InputError, [](const hpml::InputError& error) {
            return std::string(error.what()).find("17 tokens") != std::string::npos;
        });
}

BOOST_AUTO_TEST_CASE(a_segment_that_the_model_has_not_is_an_input_error) {
    ModelConfig config = small_config(EncoderNorm::Post);
    config.segment_types = 1;
    const Bert bert(config, Head::MaskedLm, fresh_leaves(config, Head::MaskedLm, 1));
    (void)bert.encode(batch_of_lengths({4}), kNoDropout);
    BOOST_CHECK_EXCEPTION((void)bert.mlm_loss(batch_of_lengths({4, 4}), kNoDropout),
                          hpml::InputError, [](const hpml::InputError& error) {
                              return std::string(error.what()).find("type_vocab_size is 1") !=
                                     std::string::npos;
                          });
}

BOOST_AUTO_TEST_SUITE_END()
