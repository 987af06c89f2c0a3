#include "tasks/glue_encoding.h"

#include <array>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <vector>

#include "support/data.h"

using namespace hpml;

namespace {

struct Tokenizer {
    test::ScratchFolder folder{"glue-encoding"};
    std::unique_ptr<text::Tokenizer> word_piece = make();

    std::unique_ptr<text::Tokenizer> make() const {
        test::write_file(folder / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n");
        return text::load_tokenizer(folder / "vocab.txt", text::CaseChoice::Lower);
    }
};

/// sizes of the two sentences, room, what Hugging Face's BertTokenizerFast keeps of either
struct Truncation {
    std::size_t first, second, room, kept_first, kept_second;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(glue_encoding_suite)

BOOST_AUTO_TEST_CASE(pairs_are_cut_as_hugging_face_cuts_them) {
    // Written out by transformers 5.23 with truncation=True.
    constexpr std::array<Truncation, 14> kCases{{{3, 4, 17, 3, 4},
                                                 {10, 4, 10, 6, 4},
                                                 {4, 10, 10, 4, 6},
                                                 {10, 10, 10, 5, 5},
                                                 {10, 10, 11, 5, 6},
                                                 {10, 8, 11, 6, 5},
                                                 {8, 10, 11, 5, 6},
                                                 {9, 12, 9, 4, 5},
                                                 {12, 9, 9, 5, 4},
                                                 {1, 30, 3, 1, 2},
                                                 {30, 1, 3, 2, 1},
                                                 {2, 30, 3, 1, 2},
                                                 {3, 3, 5, 2, 3},
                                                 {30, 2, 3, 2, 1}}};
    for (const Truncation& expected : kCases) {
        const auto [first, second] =
            tasks::longest_first(expected.first, expected.second, expected.room);
        BOOST_TEST_CONTEXT(expected.first << " and " << expected.second << " into "
                                          << expected.room) {
            BOOST_TEST(first == expected.kept_first);
            BOOST_TEST(second == expected.kept_second);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_pair_has_two_segments_and_three_special_tokens) {
    const Tokenizer tokenizer;
    tasks::EncodedExamples examples(*tokenizer.word_piece, 16);
    examples.add("a B", "c");
    corpus::Batch batch;
    batch.clear();
    examples.append_to(batch, 0);
    const std::vector<std::int32_t> tokens{2, 5, 6, 3, 7, 3};
    const std::vector<std::int32_t> segments{0, 0, 0, 0, 1, 1};
    BOOST_TEST(batch.tokens == tokens, boost::test_tools::per_element());
    BOOST_TEST(batch.segments == segments, boost::test_tools::per_element());
    BOOST_TEST(examples.truncated() == 0);
}

BOOST_AUTO_TEST_CASE(a_byte_level_pair_has_one_segment_and_four_special_tokens) {
    const auto tokenizer = text::load_tokenizer(
        std::string(HPML_SOURCE_DIR) + "/tests/golden/small_bpe", text::CaseChoice::Auto);
    tasks::EncodedExamples examples(*tokenizer, 6);
    examples.add("a", "b");
    corpus::Batch batch;
    batch.clear();
    examples.append_to(batch, 0);
    std::vector<std::int32_t> tokens{0};
    tokenizer->encode("a", tokens);
    tokens.insert(tokens.end(), {2, 2});
    tokenizer->encode("b", tokens);
    tokens.push_back(2);
    BOOST_TEST(batch.tokens == tokens, boost::test_tools::per_element());
    BOOST_TEST(batch.segments == std::vector<std::int32_t>(6, 0), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_long_sentence_loses_its_end_and_is_counted) {
    const Tokenizer tokenizer;
    tasks::EncodedExamples examples(*tokenizer.word_piece, 5);
    examples.add("a");
    examples.add("a b c a b c");
    examples.add("");
    corpus::Batch batch;
    batch.clear();
    examples.append_to(batch, 1);
    examples.append_to(batch, 2);
    const std::vector<std::int32_t> tokens{2, 5, 6, 7, 3, 2, 3};
    const std::vector<std::int32_t> bounds{0, 5, 7};
    const std::vector<std::int64_t> samples{1, 2};
    BOOST_TEST(batch.tokens == tokens, boost::test_tools::per_element());
    BOOST_TEST(batch.cu_seqlens == bounds, boost::test_tools::per_element());
    BOOST_TEST(batch.samples == samples, boost::test_tools::per_element());
    BOOST_TEST(examples.truncated() == 1);
    BOOST_TEST(examples.length(0) == 3);
}

BOOST_AUTO_TEST_SUITE_END()
