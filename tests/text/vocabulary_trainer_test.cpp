#include "text/vocabulary_trainer.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "base/file.h"
#include "support/data.h"
#include "text/documents.h"
#include "text/pair_trainer.h"

namespace hpml::text {
namespace {

namespace fs = std::filesystem;

using Merges = std::vector<std::pair<std::int32_t, std::int32_t>>;

/// All tokens of a tokenizer trained on the sample.
struct Trained {
    std::vector<std::string> tokens;
    double tokens_per_word = 0;
};

Trained train_on_sample(const VocabularyOptions& options) {
    VocabularyTrainer trainer(options);
    std::vector<std::string> texts;
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(HPML_SOURCE_DIR) / "data/sample/corpus")) {
        if (entry.is_regular_file()) {
            const DocumentFile file(entry.path(), {});
            const auto reader = file.open();
            for (Document document; reader->next(document);) {
                texts.push_back(document.text);
            }
        }
    }
    std::int64_t words = 0;
    for (const std::string& text : texts) {
        trainer.add(text);
        words += std::count(text.begin(), text.end(), ' ');
    }
    const auto tokenizer = trainer.train();
    std::vector<std::int32_t> ids;
    for (const std::string& text : texts) {
        tokenizer->encode(text, ids);
    }
    Trained trained;
    trained.tokens_per_word = static_cast<double>(ids.size()) / static_cast<double>(words);
    for (std::int32_t id = 0; id < tokenizer->size(); ++id) {
        trained.tokens.push_back(tokenizer->token(id));
    }
    return trained;
}

BOOST_AUTO_TEST_SUITE(vocabulary_trainer)

BOOST_AUTO_TEST_CASE(the_most_frequent_pair_is_joined_first_and_ties_go_to_the_lower_ids) {
    std::vector<std::string> tokens{"a", "b", "c"};
    // ab: 5, bc: 5, ca: 3
    const Merges merges =
        train_pairs({{{0, 1}, 2}, {{1, 2}, 2}, {{2, 0, 1, 2}, 3}}, tokens, {6, 1, ""});
    BOOST_TEST(tokens == (std::vector<std::string>{"a", "b", "c", "ab", "cab", "cabc"}),
               boost::test_tools::per_element());
    BOOST_CHECK(merges == (Merges{{0, 1}, {2, 3}, {4, 2}}));
}

BOOST_AUTO_TEST_CASE(the_samples_vocabulary_is_made_with_it) {
    VocabularyOptions options;
    options.size = 4000;
    std::string text;
    for (const std::string& token : train_on_sample(options).tokens) {
        text += token + "\n";
    }
    BOOST_CHECK(text == read_text(fs::path(HPML_SOURCE_DIR) / "data/sample/vocab.txt"));
}

BOOST_AUTO_TEST_CASE(a_run_of_one_letter_is_joined_from_the_left) {
    std::vector<std::string> tokens{"a"};
    const Merges merges = train_pairs({{{0, 0, 0, 0, 0}, 1}}, tokens, {4, 1, ""});
    BOOST_TEST(tokens == (std::vector<std::string>{"a", "aa", "aaa", "aaaaa"}),
               boost::test_tools::per_element());
    BOOST_CHECK(merges == (Merges{{0, 0}, {1, 0}, {1, 2}}));
}

BOOST_AUTO_TEST_CASE(a_pair_that_is_too_rare_is_not_joined) {
    std::vector<std::string> tokens{"a", "b"};
    BOOST_TEST(train_pairs({{{0, 1}, 1}}, tokens, {9, 2, ""}).empty());
    BOOST_TEST(tokens.size() == 2u);
}

BOOST_AUTO_TEST_CASE(continuations_are_joined_without_their_mark) {
    std::vector<std::string> tokens{"a", "##b", "##c"};
    (void)train_pairs({{{0, 1, 2}, 3}, {{0, 2}, 1}, {{2, 1, 2}, 9}}, tokens, {5, 1, "##"});
    BOOST_TEST(tokens[3] == "##bc");
}

BOOST_AUTO_TEST_CASE(words_that_are_too_many_leave_the_frequent_ones) {
    WordCounts counts(10);
    for (int i = 0; i < 1000; ++i) {
        counts.add("frequent");
        counts.add(std::to_string(i));
    }
    const auto words = counts.sorted();
    BOOST_TEST(words.size() <= 10u);
    BOOST_TEST(words[0].first == "frequent");
    BOOST_TEST(words[0].second + counts.forgotten() >= 1000);
}

BOOST_AUTO_TEST_CASE(a_vocabulary_has_the_size_that_was_asked_for_and_is_the_same_again) {
    for (const TokenizerKind kind : {TokenizerKind::WordPiece, TokenizerKind::BytePair}) {
        VocabularyOptions options;
        options.kind = kind;
        options.size = 1000;
        const Trained one = train_on_sample(options);
        BOOST_TEST(one.tokens.size() == 1000u);
        BOOST_CHECK(train_on_sample(options).tokens == one.tokens);
        options.size = 2000;
        BOOST_TEST(train_on_sample(options).tokens_per_word < one.tokens_per_word);
    }
}

BOOST_AUTO_TEST_CASE(every_joined_token_is_used_by_its_own_tokenizer) {
    VocabularyOptions options;
    options.kind = TokenizerKind::BytePair;
    options.size = 600;
    VocabularyTrainer trainer(options);
    trainer.add("the river and the other rivers, the rivers and another river ÉéÉé");
    const auto tokenizer = trainer.train();
    std::vector<std::int32_t> ids;
    tokenizer->encode(" river", ids);
    BOOST_TEST(ids.size() == 1u);
    BOOST_TEST(tokenizer->decode(ids) == " river");
}

BOOST_AUTO_TEST_CASE(no_words_and_no_room_are_refused) {
    VocabularyOptions options;
    BOOST_CHECK_THROW((void)VocabularyTrainer(options).train(), InputError);
    options.size = 6;
    VocabularyTrainer trainer(options);
    trainer.add("river");
    BOOST_CHECK_THROW((void)trainer.train(), UsageError);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::text
