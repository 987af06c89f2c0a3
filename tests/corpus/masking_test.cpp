#include "corpus/masking.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "corpus/corpus_fixture.h"

using namespace hpml;
using corpus::Batch;

namespace {

Batch masked(const std::vector<std::int32_t>& tokens, std::int64_t sample, std::int64_t epoch,
             const corpus::MaskingOptions& options, std::uint64_t seed = 42) {
    Batch batch;
    batch.clear();
    const std::vector<std::int32_t> segments(tokens.size(), 0);
    corpus::Masker(options, seed).append(batch, tokens, segments, {sample, epoch});
    return batch;
}

std::vector<std::int32_t> row_of(std::int32_t length) {
    std::vector<std::int32_t> tokens{test::kSpecial.cls};
    for (std::int32_t i = 0; i < length; ++i) {
        tokens.push_back(5 + i % 900);
    }
    tokens.push_back(test::kSpecial.sep);
    return tokens;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(masking_suite)

BOOST_AUTO_TEST_CASE(the_number_of_predictions_follows_the_rate_and_its_bounds) {
    const auto count = [](std::int32_t length, double rate, std::int64_t most) {
        auto options = test::masking_options();
        options.rate = rate;
        options.max_predictions = most;
        return masked(row_of(length), 3, 0, options).mlm_labels.size();
    };
    BOOST_TEST(count(0, 0.15, 0) == 0u);
    BOOST_TEST(count(1, 0.15, 0) == 1u);
    BOOST_TEST(count(10, 0.15, 0) == 2u);  // 1.5 rounds up
    BOOST_TEST(count(126, 0.15, 0) == 19u);
    BOOST_TEST(count(126, 0.15, 7) == 7u);
    BOOST_TEST(count(20, 1.0, 0) == 20u);
    BOOST_TEST(count(20, 0.0, 0) == 1u);
}

BOOST_AUTO_TEST_CASE(special_tokens_are_never_predicted) {
    auto options = test::masking_options();
    options.rate = 1.0;
    const std::vector<std::int32_t> tokens{2, 7, 1, 0, 4, 3, 9, 3};
    const Batch batch = masked(tokens, 0, 0, options);
    BOOST_TEST(batch.mlm_positions == (std::vector<std::int32_t>{1, 6}),
               boost::test_tools::per_element());
    BOOST_TEST(batch.mlm_labels == (std::vector<std::int32_t>{7, 9}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(labels_are_the_original_tokens_and_the_rest_is_untouched) {
    const auto tokens = row_of(126);
    const Batch batch = masked(tokens, 11, 4, test::masking_options());
    BOOST_TEST(std::ranges::is_sorted(batch.mlm_positions));
    std::vector<std::int32_t> restored = batch.tokens;
    for (std::size_t i = 0; i < batch.mlm_positions.size(); ++i) {
        restored[static_cast<std::size_t>(batch.mlm_positions[i])] = batch.mlm_labels[i];
    }
    BOOST_TEST(restored == tokens, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(only_seed_epoch_sample_and_tokens_matter) {
    const auto options = test::masking_options();
    const auto tokens = row_of(60);
    const Batch alone = masked(tokens, 11, 4, options);
    Batch behind = masked(row_of(30), 2, 4, options);
    const auto before = static_cast<std::int32_t>(behind.token_count());
    const std::size_t labels_before = behind.mlm_labels.size();
    const std::vector<std::int32_t> segments(tokens.size(), 0);
    corpus::Masker(options, 42).append(behind, tokens, segments, {11, 4});
    BOOST_TEST(std::equal(alone.tokens.begin(), alone.tokens.end(), behind.tokens.begin() + before,
                          behind.tokens.end()));
    BOOST_REQUIRE(behind.mlm_labels.size() == labels_before + alone.mlm_labels.size());
    for (std::size_t i = 0; i < alone.mlm_labels.size(); ++i) {
        BOOST_TEST(behind.mlm_positions[labels_before + i] == before + alone.mlm_positions[i]);
    }
    BOOST_TEST((alone.mlm_positions != masked(tokens, 11, 5, options).mlm_positions));
    BOOST_TEST((alone.mlm_positions != masked(tokens, 12, 4, options).mlm_positions));
    BOOST_TEST((alone.mlm_positions != masked(tokens, 11, 4, options, 43).mlm_positions));
    BOOST_TEST((alone.mlm_positions !=
                masked(tokens, 11 + (std::int64_t{1} << 32), 4, options).mlm_positions));
}

BOOST_AUTO_TEST_CASE(whole_words_are_predicted_with_all_their_tokens_or_not_at_all) {
    auto options = test::masking_options();
    options.continues.assign(static_cast<std::size_t>(test::kVocabularySize), 0);
    std::fill(options.continues.begin() + 500, options.continues.end(), std::uint8_t{1});
    // Words of 1 to 4 tokens; the first one begins with what elsewhere continues a word.
    std::vector<std::int32_t> tokens{test::kSpecial.cls, 600};
    std::vector<int> word_of{-1, 0};
    for (int word = 1; word <= 30; ++word) {
        for (int i = 0; i <= word % 4; ++i) {
            tokens.push_back(i == 0 ? 10 + word : 500 + i);
            word_of.push_back(word);
        }
    }
    tokens.push_back(test::kSpecial.sep);
    word_of.push_back(-1);
    std::vector<int> times(31);
    for (std::int64_t sample = 0; sample < 2000; ++sample) {
        const Batch batch = masked(tokens, sample, 0, options);
        std::vector<int> predicted(31);
        for (const std::int32_t at : batch.mlm_positions) {
            ++predicted[static_cast<std::size_t>(word_of[static_cast<std::size_t>(at)])];
        }
        for (int word = 0; word <= 30; ++word) {
            const int length = word == 0 ? 1 : word % 4 + 1;
            const int found = predicted[static_cast<std::size_t>(word)];
            BOOST_TEST_REQUIRE((found == 0 || found == length), "word " << word);
            times[static_cast<std::size_t>(word)] += found > 0 ? 1 : 0;
        }
        const auto most = static_cast<std::size_t>(std::lround(0.15 * (tokens.size() - 2.0)));
        BOOST_TEST(batch.mlm_labels.size() <= most);
        BOOST_TEST(batch.mlm_labels.size() + 3 >= most);
    }
    // 15 % of 2000; where little is left to predict, short words fill it up.
    for (int word = 0; word <= 30; ++word) {
        BOOST_TEST(times[static_cast<std::size_t>(word)] > 190, "word " << word);
        BOOST_TEST(times[static_cast<std::size_t>(word)] < (word % 4 == 0 ? 600 : 390),
                   "word " << word);
    }
}

BOOST_AUTO_TEST_CASE(of_the_predicted_tokens_80_10_10_percent_are_mask_random_and_kept) {
    auto options = test::masking_options();
    options.rate = 1.0;
    const auto tokens = row_of(100);
    int mask = 0;
    int kept = 0;
    int random = 0;
    std::vector<int> chosen(tokens.size());
    for (std::int64_t sample = 0; sample < 1000; ++sample) {
        const Batch batch = masked(tokens, sample, 0, options);
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            const bool special = test::kSpecial.contains(tokens[i]);
            mask += !special && batch.tokens[i] == test::kSpecial.mask ? 1 : 0;
            kept += !special && batch.tokens[i] == tokens[i] ? 1 : 0;
            random +=
                !special && batch.tokens[i] != tokens[i] && batch.tokens[i] != test::kSpecial.mask
                    ? 1
                    : 0;
        }
        options.rate = 0.15;
        for (const std::int32_t at : masked(tokens, sample, 1, options).mlm_positions) {
            ++chosen[static_cast<std::size_t>(at)];
        }
        options.rate = 1.0;
    }
    BOOST_TEST(mask > 79000);  // of 100000; five standard deviations are 630
    BOOST_TEST(mask < 81000);
    BOOST_TEST(random > 9400);
    BOOST_TEST(random < 10600);
    BOOST_TEST(kept > 9400);
    BOOST_TEST(kept < 10600);
    for (std::size_t i = 1; i + 1 < tokens.size(); ++i) {
        BOOST_TEST(chosen[i] > 85);  // 150 on average
        BOOST_TEST(chosen[i] < 215);
    }
}

BOOST_AUTO_TEST_SUITE_END()
