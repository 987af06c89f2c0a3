#include "text/sentences.h"

#include <boost/test/unit_test.hpp>

#include "base/file.h"
#include "support/command.h"
#include "support/data.h"
#include "text/icu_sentences.h"
#include "text/random_text.h"

namespace hpml::text {
namespace {

namespace fs = std::filesystem;

struct Splitter {
    SentenceSplitter splitter;
    IcuSentences reference;
    std::vector<std::uint32_t> ours;
    std::vector<std::uint32_t> icu;

    std::vector<std::string> sentences(std::string_view text) {
        splitter.split(text, ours);
        std::vector<std::string> parts;
        std::size_t begin = 0;
        for (const std::uint32_t end : ours) {
            parts.emplace_back(text.substr(begin, end - begin));
            begin = end;
        }
        return parts;
    }
    bool agrees(std::string_view text) {
        splitter.split(text, ours);
        reference.split(text, icu);
        return ours == icu;
    }
    /// Compare all files below a folder. @return bytes compared
    std::size_t compare_files(const fs::path& folder) {
        std::size_t bytes = 0;
        for (const auto& entry : fs::recursive_directory_iterator(folder)) {
            const std::string extension = entry.path().extension();
            if (!entry.is_regular_file() || extension == ".bin") {
                continue;
            }
            const std::string unpack = extension == ".gz"    ? "gzip -dc "
                                       : extension == ".bz2" ? "bzip2 -dc "
                                                             : "";
            const std::string text = unpack.empty()
                                         ? read_text(entry.path())
                                         : test::run_command(unpack + entry.path().string()).output;
            BOOST_CHECK_MESSAGE(agrees(text), "other boundaries in " << entry.path());
            bytes += text.size();
        }
        return bytes;
    }
};

using Parts = std::vector<std::string>;

BOOST_FIXTURE_TEST_SUITE(sentences_suite, Splitter)

BOOST_AUTO_TEST_CASE(a_sentence_ends_behind_its_blanks) {
    BOOST_TEST(sentences("One river. Two  rivers!  \"Three?\" yes") ==
                   (Parts{"One river. ", "Two  rivers!  ", "\"Three?\" ", "yes"}),
               boost::test_tools::per_element());
    BOOST_TEST(sentences("").empty());
}

BOOST_AUTO_TEST_CASE(a_line_end_ends_a_sentence) {
    BOOST_TEST(sentences("a\nb\r\nc\rd. \n e") == (Parts{"a\n", "b\r\n", "c\r", "d. \n", " e"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(abbreviations_numbers_and_lower_letters_end_none) {
    const Parts whole{"Mr. Smith and Prof. Brown paid 3.5 to T.E.X. (approx. all), e.g. this."};
    BOOST_TEST(sentences(whole[0]) == whole, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(boundaries_of_random_texts_are_those_of_icu) {
    // Of terminators, closers, blanks, letters, marks and abbreviations in all orders.
    static constexpr const char* kParts[] = {
        ".",      "!",      "?",      ")",      "\"",     "'",      " ",      "\n",     "\r",
        "\t",     "a",      "B",      "7",      ",",      "-",      ";",      "Mr.",    "Ph.",
        "Ph.D.",  "U.S.A.", "S.A.R.", "L.",     "A.M.",   "a.m.",   "No.",    "pp.",    "Lt.Cdr.",
        "M.I.T",  "U.S.",   "S.A",    "\u0301", "\u200d", "\u00a0", "\u2028", "\u0085", "\u4e2d",
        "\u3002", "\u2019", "\u2024", "\u00e9", "\u00c9", "\u0660", "\xE2",   "\x80",   "#"};
    for (std::uint32_t number = 0; number < 30000; ++number) {
        PhiloxStream stream(philox_key(2, RandomUse::Test), number, 0, 0);
        std::string text;
        for (std::uint32_t i = 0, count = 1 + stream.below(16); i < count; ++i) {
            text += kParts[stream.below(std::size(kParts))];
        }
        BOOST_REQUIRE_MESSAGE(agrees(text), "other boundaries in: " << text);
        const std::string other = test::random_text(number);
        BOOST_REQUIRE_MESSAGE(agrees(other), "other boundaries in: " << other);
    }
}

BOOST_AUTO_TEST_CASE(hostile_texts_take_linear_time) {
    std::string periods;
    std::string marks("a");
    std::string numbers("a. ");
    for (int i = 0; i < 300000; ++i) {
        periods += i % 2 == 0 ? "." : ")";
        marks += "\xCC\x81";
        numbers += "7 ";
    }
    BOOST_TEST(sentences(periods + marks + ". " + numbers).size() <= 4u);
}

BOOST_AUTO_TEST_CASE(boundaries_in_the_sample_are_those_of_icu) {
    BOOST_TEST(compare_files(fs::path(HPML_SOURCE_DIR) / "data/sample") > 200000u);
}

BOOST_AUTO_TEST_CASE(boundaries_in_real_text_are_those_of_icu) {
    const fs::path data = test::real_data();
    if (!data.empty()) {
        BOOST_TEST(compare_files(data) > 1000000u);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::text
