#include "text/vocabulary.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "support/data.h"
#include "support/text.h"

namespace hpml::text {
namespace {

const std::string kGood = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nriver\n##s\n";

/// The message with which a vocabulary of this text is refused.
std::string refusal(const std::string& text) {
    const test::ScratchFolder folder("vocabulary");
    test::write_file(folder / "vocab.txt", text);
    try {
        const Vocabulary vocabulary(folder / "vocab.txt");
    } catch (const InputError& error) {
        return error.what();
    }
    return "accepted";
}

using test::contains;

BOOST_AUTO_TEST_SUITE(vocabulary)

BOOST_AUTO_TEST_CASE(a_tokens_id_is_its_line_number) {
    const test::ScratchFolder folder("vocabulary");
    test::write_file(folder / "vocab.txt", kGood);
    const Vocabulary read(folder / "vocab.txt");
    BOOST_TEST(read.size() == 7);
    BOOST_TEST(read.find("river") == 5);
    BOOST_TEST(read.find("##s") == 6);
    BOOST_TEST(read.find("absent") == -1);
    BOOST_TEST(read.token(5) == "river");
    BOOST_TEST(read.special().mask == 4);
    BOOST_TEST(read.text() == kGood);
    BOOST_TEST((read.hash() == hash_text(kGood)));
}

BOOST_AUTO_TEST_CASE(the_last_line_may_lack_its_newline) {
    BOOST_TEST(refusal(kGood.substr(0, kGood.size() - 1)) == "accepted");
}

BOOST_AUTO_TEST_CASE(a_duplicate_names_both_lines) {
    const std::string message = refusal(kGood + "river\n");
    BOOST_TEST(contains(message, "line 8"), message);
    BOOST_TEST(contains(message, "'river'"), message);
    BOOST_TEST(contains(message, "line 6"), message);
}

BOOST_AUTO_TEST_CASE(a_missing_special_token_is_named) {
    BOOST_TEST(contains(refusal("[PAD]\n[UNK]\n[CLS]\n[SEP]\n"), "[MASK]"));
    BOOST_TEST(contains(refusal("[PAD]\n[CLS]\n[SEP]\n[MASK]\n"), "[UNK]"));
    BOOST_TEST(contains(refusal(""), "[PAD]"));
}

BOOST_AUTO_TEST_CASE(bad_lines_are_named) {
    BOOST_TEST(contains(refusal("\xEF\xBB\xBF" + kGood), "line 1: begins with a byte order mark"));
    BOOST_TEST(contains(refusal("[PAD]\r\n[UNK]\r\n"), "line 1: ends in CR LF"));
    BOOST_TEST(contains(refusal(kGood + "\nlast\n"), "line 8: is empty"));
    BOOST_TEST(contains(refusal(kGood + "caf\xE9\n"), "line 8: is not UTF-8"));
}

BOOST_AUTO_TEST_CASE(an_absent_file_is_a_missing_input) {
    BOOST_CHECK_THROW(Vocabulary("/nonexistent/vocab.txt"), MissingInputError);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::text
