#include "text/documents.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "base/error.h"
#include "packing.h"
#include "support/data.h"
#include "support/text.h"

namespace hpml::text {
namespace {

struct Folder {
    test::ScratchFolder folder{"documents"};

    std::vector<Document> read(const std::string& text,
                               DocumentFormat format = DocumentFormat::Auto) const {
        test::write_file(folder / "file", text);
        const DocumentFile opened(folder / "file", {format, "text"});
        const auto reader = opened.open();
        std::vector<Document> documents;
        Document document;
        while (reader->next(document)) {
            documents.push_back(document);
        }
        return documents;
    }

    std::string refusal(const std::string& text) const {
        try {
            (void)read(text);
        } catch (const InputError& error) {
            return error.what();
        }
        return "accepted";
    }
};

using test::contains;

BOOST_FIXTURE_TEST_SUITE(documents, Folder)

BOOST_AUTO_TEST_CASE(extracted_articles_come_without_their_titles) {
    const auto read = this->read(
        "<doc id=\"1\" url=\"u\" title=\"Danube\">\nDanube\n\nA river.\nIt is long.\n\n</doc>\n"
        "\n<doc id=\"2\" url=\"u\" title=\"&quot;R&amp;B&quot;\">\n\"R&B\"\n\nMusic.\n</doc>\n");
    BOOST_REQUIRE(read.size() == 2u);
    BOOST_TEST(read[0].text == "\nA river.\nIt is long.\n\n");
    BOOST_TEST(read[1].text == "\nMusic.\n");
}

BOOST_AUTO_TEST_CASE(a_first_line_that_is_not_the_title_stays) {
    const auto read = this->read("<doc id=\"1\" title=\"Danube\">\nA river.\n</doc>");
    BOOST_REQUIRE(read.size() == 1u);
    BOOST_TEST(read[0].text == "A river.\n");
}

BOOST_AUTO_TEST_CASE(an_article_of_a_title_alone_is_an_empty_document) {
    const auto read = this->read("<doc id=\"1\" title=\"T\">\nT\n</doc>\n");
    BOOST_REQUIRE(read.size() == 1u);
    BOOST_TEST(read[0].text.empty());
}

BOOST_AUTO_TEST_CASE(blank_lines_separate_plain_documents) {
    const auto read = this->read("\n\none\ntwo\n \t\n\nthree");
    BOOST_REQUIRE(read.size() == 2u);
    BOOST_TEST(read[0].text == "one\ntwo\n");
    BOOST_TEST(read[1].text == "three\n");
}

BOOST_AUTO_TEST_CASE(carriage_returns_and_a_byte_order_mark_are_left_out) {
    const auto read = this->read("\xEF\xBB\xBFone\r\n\r\ntwo\r\n");
    BOOST_REQUIRE(read.size() == 2u);
    BOOST_TEST(read[0].text == "one\n");
    BOOST_TEST(read[1].text == "two\n");
}

BOOST_AUTO_TEST_CASE(the_format_can_be_forced) {
    const auto read = this->read("<doc id=\"1\">\nx\n</doc>\n", DocumentFormat::PlainText);
    BOOST_REQUIRE(read.size() == 1u);
    BOOST_TEST(read[0].text == "<doc id=\"1\">\nx\n</doc>\n");
}

BOOST_AUTO_TEST_CASE(an_empty_file_holds_no_document) { BOOST_TEST(read("").empty()); }

BOOST_AUTO_TEST_CASE(a_giant_line_is_cut_and_marked) {
    const auto read = this->read(std::string(kLongestDocument + 10, 'x') + "\n\nnext\n");
    BOOST_REQUIRE(read.size() == 2u);
    BOOST_TEST(read[0].text.size() == kLongestDocument);
    BOOST_TEST(read[0].is_cut);
    BOOST_TEST(read[1].text == "next\n");
    BOOST_TEST(!read[1].is_cut);
}

BOOST_AUTO_TEST_CASE(a_giant_article_of_short_lines_is_cut_and_marked) {
    std::string text;
    while (text.size() < kLongestDocument + 100) {
        text += "a line of this article\n";
    }
    const auto read = this->read("<doc id=\"1\" title=\"T\">\n" + text + "</doc>\n");
    BOOST_REQUIRE(read.size() == 1u);
    BOOST_TEST(read[0].text.size() == kLongestDocument);
    BOOST_TEST(read[0].is_cut);
}

BOOST_AUTO_TEST_CASE(broken_articles_are_refused_with_the_line) {
    BOOST_TEST(contains(refusal("<doc id=\"1\">\nx\n"), "line 2: the file ends"));
    BOOST_TEST(contains(refusal("<doc id=\"1\">\nx\n<doc id=\"2\">\n"), "line 3: a new <doc>"));
    BOOST_TEST(contains(refusal("<doc id=\"1\">\n</doc>\nstray\n"), "line 3: text stands outside"));
}

BOOST_AUTO_TEST_CASE(what_is_not_text_is_refused_with_the_remedy) {
    BOOST_TEST(contains(refusal("PK\x03\x04"), "is a zip file"));
    BOOST_TEST(contains(refusal("\x28\xB5\x2F\xFD"), "is a Zstandard file"));
    BOOST_TEST(contains(refusal(test::gzip(test::bzip2("x"))), "is a doubly packed file"));
}

BOOST_AUTO_TEST_CASE(an_absent_file_is_a_missing_input) {
    BOOST_CHECK_THROW(DocumentFile("/nonexistent", {}), MissingInputError);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::text
