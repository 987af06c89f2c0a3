#include "text/wordpiece.h"

#include <boost/test/unit_test.hpp>

#include "support/data.h"

namespace hpml::text {
namespace {

const std::filesystem::path kSource = HPML_SOURCE_DIR;

std::vector<std::int32_t> encode(const WordPiece& wordpiece, std::string_view text) {
    std::vector<std::int32_t> ids;
    wordpiece.encode(text, ids);
    return ids;
}

struct Sample {
    Vocabulary vocabulary{kSource / "data/sample/vocab.txt"};
    WordPiece lower{vocabulary, LetterCase::Lower};
    WordPiece keep{vocabulary, LetterCase::Keep};
};

BOOST_FIXTURE_TEST_SUITE(wordpiece, Sample)

BOOST_AUTO_TEST_CASE(ids_are_appended) {
    std::vector<std::int32_t> ids{7};
    lower.encode("the", ids);
    BOOST_TEST(ids.size() == 2u);
    BOOST_TEST(ids[0] == 7);
    BOOST_TEST(ids[1] == vocabulary.find("the"));
}

BOOST_AUTO_TEST_CASE(an_invalid_byte_is_left_out) {
    const auto expected = encode(lower, "river");
    for (const char* text : {"ri\x80ver", "ri\xC0\xAFver", "\xED\xA0\x80river", "river\xE2\x82",
                             "ri\xF4\x90\x80\x80ver", "\xFFriver\xFE", "ri\xF0\x9Fver"}) {
        BOOST_TEST(encode(lower, text) == expected, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(an_invalid_sequence_takes_no_valid_byte_with_it) {
    BOOST_TEST(encode(lower, "\xE2(river") == encode(lower, "(river"),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_word_that_starts_well_and_ends_unknown_is_one_unknown) {
    const auto ids = encode(lower, "river\xE2\x98\x83 the");
    BOOST_TEST(ids.size() == 2u);
    BOOST_TEST(ids[0] == vocabulary.special().unknown);
    BOOST_TEST(ids[1] == vocabulary.find("the"));
}

BOOST_AUTO_TEST_CASE(a_million_marks_take_linear_time) {
    std::string text = "a";
    for (int i = 0; i < 1000000; ++i) {
        text += "\xCC\x81";
    }
    BOOST_TEST(encode(lower, text) == encode(lower, "a"), boost::test_tools::per_element());
    BOOST_TEST(encode(keep, text).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_vocabulary_without_continuations_knows_whole_words_only) {
    const test::ScratchFolder folder("wordpiece");
    test::write_file(folder / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nriver\nriv\n");
    const Vocabulary small(folder / "vocab.txt");
    const WordPiece whole(small, LetterCase::Lower);
    BOOST_TEST(encode(whole, "River riv rivers") == (std::vector<std::int32_t>{5, 6, 1}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::text
