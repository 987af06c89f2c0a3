#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "golden_bert.h"
#include "model/bert.h"
#include "model/fused/attention.h"
#include "model/fused/mlm_head.h"

using namespace hpml;
using namespace hpml::model;

namespace {

std::vector<float> some_numbers(std::size_t count, std::uint32_t number, float size = 1.0F) {
    PhiloxStream stream(philox_key(11, RandomUse::Test), number, 0, 0);
    std::vector<float> values(count);
    for (float& value : values) {
        value = size * static_cast<float>(2 * stream.uniform() - 1);
    }
    return values;
}

ModelConfig config_of(EncoderNorm norm, Family family = Family::Bert) {
    ModelConfig config = test::small_config(norm);
    config.family = family;
    set_padding(config, 1);
    config.vocabulary_size = 70;
    config.layers = 3;
    config.max_positions = 160;
    return config;
}

/// Sequences of these lengths; every third token is masked.
corpus::Batch batch_of(const std::vector<int>& lengths) {
    corpus::Batch batch;
    batch.clear();
    for (const int length : lengths) {
        std::vector<std::int32_t> ids(static_cast<std::size_t>(length));
        for (int i = 0; i < length; ++i) {
            ids[static_cast<std::size_t>(i)] = (7 * i + length) % 70;
            if (i % 3 == 1) {
                batch.mlm_positions.push_back(static_cast<std::int32_t>(batch.token_count()) + i);
                batch.mlm_labels.push_back((5 * i) % 70);
            }
        }
        batch.append(static_cast<std::int64_t>(90 + batch.sequences()), ids,
                     std::vector<std::int32_t>(ids.size(), length % 2));
        batch.targets.push_back(static_cast<float>(length % 2));
    }
    return batch;
}

struct Outcome {
    double loss = 0;
    std::vector<at::Tensor> gradients;
};

Outcome train_on(const ModelConfig& config, Head head, const corpus::Batch& batch,
                 const DropoutPlan& dropout, const BertOptions& options) {
    const auto leaves = test::fresh_leaves(config, head, 1);
    const Bert bert(config, head, leaves, options);
    const LossSum loss =
        head == Head::MaskedLm ? bert.mlm_loss(batch, dropout) : bert.class_loss(batch, dropout);
    loss.sum.backward();
    Outcome outcome{loss.sum.item<double>(), {}};
    for (const at::Tensor& leaf : leaves) {
        outcome.gradients.push_back(leaf.grad());
    }
    return outcome;
}

void expect_same_bits(const Outcome& a, const Outcome& b) {
    BOOST_TEST(a.loss == b.loss);
    for (std::size_t i = 0; i < a.gradients.size(); ++i) {
        BOOST_TEST(std::memcmp(a.gradients[i].const_data_ptr(), b.gradients[i].const_data_ptr(),
                               a.gradients[i].nbytes()) == 0,
                   "leaf " << i);
    }
}

void expect_close(const Outcome& a, const Outcome& b) {
    BOOST_TEST(a.loss == b.loss, boost::test_tools::tolerance(1e-5));
    for (std::size_t i = 0; i < a.gradients.size(); ++i) {
        const double scale = std::max(1.0, a.gradients[i].abs().max().item<double>());
        BOOST_TEST(test::largest_difference(a.gradients[i], b.gradients[i]) <= 2e-5 * scale,
                   "leaf " << i);
    }
}

void for_every_model(const std::function<void(const ModelConfig&, Head)>& body) {
    for (const EncoderNorm norm : {EncoderNorm::Post, EncoderNorm::Pre}) {
        for (const Head head : {Head::MaskedLm, Head::Classification}) {
            body(config_of(norm), head);
        }
    }
    for (const Head head : {Head::MaskedLm, Head::Classification}) {
        body(config_of(EncoderNorm::Post, Family::Roberta), head);
    }
}

const std::vector<int> kLengths = {5, 140, 1, 17};
constexpr DropoutPlan kDropout{.probability = 0.2, .seed = 3, .step = 4};

/// Numeric slope of `f` along `direction` at `point`.
double slope_along(const std::function<double(const std::vector<float>&)>& f,
                   const std::vector<float>& point, const std::vector<float>& direction) {
    constexpr float kStep = 1e-2F;
    auto ahead = point;
    auto behind = point;
    for (std::size_t i = 0; i < point.size(); ++i) {
        ahead[i] += kStep * direction[i];
        behind[i] -= kStep * direction[i];
    }
    return (f(ahead) - f(behind)) / (2 * static_cast<double>(kStep));
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fused)

BOOST_AUTO_TEST_CASE(the_fused_passes_give_what_the_operators_give) {
    for_every_model([](const ModelConfig& config, Head head) {
        for (const DropoutPlan& dropout : {DropoutPlan{}, kDropout}) {
            const corpus::Batch batch = batch_of(kLengths);
            expect_close(train_on(config, head, batch, dropout, {}),
                         train_on(config, head, batch, dropout, {Computation::Operators}));
        }
    });
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_does_not_change_a_bit) {
    const int before = at::get_num_threads();
    // The classification head is LibTorch's.
    for (const EncoderNorm norm : {EncoderNorm::Post, EncoderNorm::Pre}) {
        const ModelConfig config = config_of(norm);
        const corpus::Batch batch = batch_of(kLengths);
        at::set_num_threads(1);
        const Outcome alone = train_on(config, Head::MaskedLm, batch, kDropout, {});
        for (const int threads : {2, 3}) {
            at::set_num_threads(threads);
            expect_same_bits(alone, train_on(config, Head::MaskedLm, batch, kDropout, {}));
        }
    }
    at::set_num_threads(before);
}

BOOST_AUTO_TEST_CASE(what_is_computed_again_gives_the_same_bits) {
    for_every_model([](const ModelConfig& config, Head head) {
        const corpus::Batch batch = batch_of(kLengths);
        const Outcome kept = train_on(config, head, batch, kDropout, {});
        for (const Checkpointing again : {Checkpointing::Selective, Checkpointing::Full}) {
            BertOptions options;
            options.checkpointing = again;
            expect_same_bits(kept, train_on(config, head, batch, kDropout, options));
        }
    });
}

BOOST_AUTO_TEST_CASE(factors_of_fewer_bits_give_nearly_the_same_in_both_computations) {
    for_every_model([](const ModelConfig& config, Head head) {
        const corpus::Batch batch = batch_of(kLengths);
        const Outcome full = train_on(config, head, batch, kDropout, {});
        for (const Precision precision : {Precision::BFloat16, Precision::Half}) {
            // bf16 has 8 bits, fp16 has 11.
            const double unit = precision == Precision::BFloat16 ? 0x1p-8 : 0x1p-11;
            for (const Computation way : {Computation::Auto, Computation::Operators}) {
                BertOptions options;
                options.precision = precision;
                options.computation = way;
                const Outcome rounded = train_on(config, head, batch, kDropout, options);
                BOOST_TEST(rounded.loss != full.loss);
                BOOST_TEST(rounded.loss == full.loss, boost::test_tools::tolerance(4 * unit));
                for (std::size_t i = 0; i < full.gradients.size(); ++i) {
                    const double scale =
                        std::max(1.0, full.gradients[i].abs().max().item<double>());
                    BOOST_TEST(test::largest_difference(rounded.gradients[i], full.gradients[i]) <=
                                   32 * unit * scale,
                               "leaf " << i << " " << to_text(precision));
                }
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(words_for_a_precision_are_understood_or_refused) {
    BOOST_TEST(to_text(choose_precision("fp32", false)) == "fp32");
    BOOST_TEST(to_text(choose_precision("bf16", false)) == "bf16");
    BOOST_TEST(to_text(choose_precision("fp16", true)) == "fp16");
    BOOST_TEST(to_text(choose_precision("auto", false)) ==
               (native_bfloat16() != nullptr ? "bf16" : "fp32"));
    BOOST_TEST(to_text(choose_precision("auto", true)) == "fp32");
    BOOST_CHECK_THROW((void)choose_precision("fp8", false), UsageError);
}

BOOST_AUTO_TEST_CASE(the_head_with_logits_of_a_few_rows_at_a_time_gives_the_same) {
    const ModelConfig config = config_of(EncoderNorm::Post);
    const auto leaves = test::fresh_leaves(config, Head::MaskedLm, 1);
    const std::vector<std::int32_t> labels = {3, 69, 0, 12, 12, 41, 7};
    const auto input = some_numbers(labels.size() * 24, 1);
    const auto run = [&](std::int64_t kept_logits, std::vector<float>& gradient) {
        std::vector<const float*> values;
        std::vector<float*> gradients;
        std::vector<std::vector<float>> memory;
        for (const at::Tensor& leaf : leaves) {
            values.push_back(leaf.const_data_ptr<float>());
            memory.emplace_back(static_cast<std::size_t>(leaf.numel()), 0.0F);
        }
        for (auto& one : memory) {
            gradients.push_back(one.data());
        }
        const Leaves all(values, gradients, [](std::size_t) {});
        MlmHeadPass pass(config, Machine(Rounding::None, std::make_shared<BufferPool>()), labels,
                         kept_logits);
        const double loss = pass.forward(all, input.data());
        gradient.resize(input.size());
        pass.backward(all, 2.5F, input.data(), gradient.data());
        for (const auto& one : memory) {
            gradient.insert(gradient.end(), one.begin(), one.end());
        }
        return loss;
    };
    std::vector<float> whole;
    std::vector<float> parts;
    const double expected = run(MlmHeadPass::kKeptLogits, whole);
    for (const std::int64_t kept : {1, 300, 500}) {
        BOOST_TEST(run(kept, parts) == expected, boost::test_tools::tolerance(1e-6));
        double worst = 0;
        for (std::size_t i = 0; i < whole.size(); ++i) {
            worst = std::max(worst, std::abs(static_cast<double>(whole[i]) - parts[i]));
        }
        BOOST_TEST(worst < 1e-5);
    }
}

BOOST_AUTO_TEST_CASE(the_gradients_of_attention_are_its_numeric_slopes) {
    const corpus::Batch source = batch_of({6, 131, 2});
    const BatchRows batch(source);
    const Machine machine(Rounding::None, std::make_shared<BufferPool>());
    constexpr std::int64_t kHeads = 2;
    constexpr std::int64_t kWidth = 5;
    for (const bool narrow : {false, true}) {
        const RowChoice queries = narrow ? RowChoice(batch, {0, 3, 7, 8, 136}) : RowChoice(batch);
        const auto rows = static_cast<std::size_t>(batch.count());
        const auto chosen = static_cast<std::size_t>(queries.count());
        const std::size_t hidden = kHeads * kWidth;
        const auto point = some_numbers((chosen + 2 * rows) * hidden, 2, 2.0F);
        const auto weights = some_numbers(chosen * hidden, 3);
        std::vector<float> context(chosen * hidden);
        std::vector<float> log_sums(chosen * kHeads);
        const auto attention_of = [&](std::vector<float>& numbers) {
            AttentionRows attention{batch, queries};
            attention.heads = kHeads;
            attention.width = kWidth;
            attention.query = numbers.data();
            attention.query_stride = hidden;
            attention.key = numbers.data() + chosen * hidden;
            attention.value = attention.key + hidden;
            attention.key_stride = 2 * hidden;
            attention.context = context.data();
            attention.log_sums = log_sums.data();
            attention.dropout = {0.25, 5, 6};
            attention.layer = 1;
            return attention;
        };
        const auto value = [&](const std::vector<float>& numbers) {
            auto copy = numbers;
            attend(machine, attention_of(copy));
            return dot(context, weights);
        };
        (void)value(point);
        auto gradient = point;
        attend_backward(machine, attention_of(gradient), weights.data());
        for (std::uint32_t i = 0; i < 4; ++i) {
            const auto direction = some_numbers(point.size(), 20 + i);
            const double expected = slope_along(value, point, direction);
            BOOST_TEST(dot(gradient, direction) == expected, boost::test_tools::tolerance(2e-3));
        }
    }
}

BOOST_AUTO_TEST_CASE(gradients_of_whole_models_are_their_numeric_slopes) {
    for_every_model([](const ModelConfig& config, Head head) {
        const corpus::Batch batch = batch_of({9, 4});
        const Outcome outcome = train_on(config, head, batch, kDropout, {});
        const auto leaves = test::fresh_leaves(config, head, 1);
        for (std::size_t i = 0; i < leaves.size(); ++i) {
            const auto count = static_cast<std::size_t>(leaves[i].numel());
            float* values = leaves[i].detach().mutable_data_ptr<float>();
            const std::vector<float> point(values, values + count);
            const float* slope = outcome.gradients[i].const_data_ptr<float>();
            const std::vector<float> gradient(slope, slope + count);
            const double length = std::sqrt(dot(gradient, gradient));
            if (length < 1e-3) {
                continue;  // the biases of the keys: their gradient is zero but for rounding
            }
            auto direction = gradient;
            for (float& d : direction) {
                d = static_cast<float>(d / length);
            }
            const Bert bert(config, head, leaves);
            const auto loss = [&](const std::vector<float>& numbers) {
                std::copy(numbers.begin(), numbers.end(), values);
                const LossSum sum = head == Head::MaskedLm ? bert.mlm_loss(batch, kDropout)
                                                           : bert.class_loss(batch, kDropout);
                return sum.sum.item<double>();
            };
            BOOST_TEST(slope_along(loss, point, direction) == length,
                       boost::test_tools::tolerance(2e-2));
            (void)loss(point);
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()
