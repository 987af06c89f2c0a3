#include <boost/test/unit_test.hpp>
#include <vector>

#include "base/error.h"
#include "packing.h"
#include "support/data.h"
#include "support/text.h"
#include "text/documents.h"

namespace hpml::text {
namespace {

using test::contains;

struct Folder {
    test::ScratchFolder folder{"formats"};
    DocumentOptions options;
    std::string name = "file";

    std::vector<std::string> read(const std::string& bytes) const {
        test::write_file(folder / name, bytes);
        return read_parts({0, UINT64_MAX});
    }
    std::vector<std::string> read_parts(const std::vector<std::uint64_t>& cuts) const {
        const DocumentFile file(folder / name, options);
        std::vector<std::string> texts;
        for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
            const auto reader = file.open({cuts[i], cuts[i + 1]});
            Document document;
            while (reader->next(document)) {
                texts.push_back(document.text);
            }
        }
        return texts;
    }
    std::string refusal(const std::string& bytes) const {
        try {
            (void)read(bytes);
        } catch (const InputError& error) {
            return error.what();
        }
        return "accepted";
    }
    /// Whether two parts are the whole, wherever they are cut.
    void check_parts(const std::string& bytes) const {
        const auto whole = read(bytes);
        BOOST_REQUIRE(!whole.empty());
        for (std::uint64_t cut = 1; cut < bytes.size(); ++cut) {
            BOOST_REQUIRE_MESSAGE(read_parts({0, cut, UINT64_MAX}) == whole, "cut " << cut);
        }
    }
};

using Texts = std::vector<std::string>;

BOOST_FIXTURE_TEST_SUITE(formats, Folder)

BOOST_AUTO_TEST_CASE(a_line_can_be_a_document) {
    options.format = DocumentFormat::Lines;
    BOOST_TEST(read("one\r\n \ntwo\n\nthree") == (Texts{"one\n", "two\n", "three\n"}));
    check_parts("one\n\ntwo \n  \nthree\nfour");
}

BOOST_AUTO_TEST_CASE(parts_of_text_are_the_whole) {
    check_parts("\n\na\nb\n\nc\n \t\n\r\n\nd e\nf\n\ng");
    options.format = DocumentFormat::WikiExtractor;
    check_parts(
        "<doc id=\"1\">\na <doc \n</doc>\n\n<doc id=\"2\">\n\n</doc>\n<doc id=\"3\">\nb\n</doc>\n");
}

BOOST_AUTO_TEST_CASE(json_lines_give_their_text) {
    const std::string lines =
        "{\"id\": \"1\", \"title\": \"A\", \"text\": \"one\\ntwo \\u00e9\"}\n\n"
        "{\"text\": \"\"}\r\n { \"text\": \"three\\n\"}";
    BOOST_TEST(read(lines) == (Texts{"one\ntwo \xC3\xA9\n", "", "three\n"}));
    BOOST_TEST(read(test::gzip(lines)).size() == 3u);
    BOOST_TEST(read(test::bzip2(lines)).size() == 3u);
    check_parts(lines);
    options.field = "body";
    BOOST_TEST(read("{\"body\": \"x\"}") == Texts{"x\n"});
}

BOOST_AUTO_TEST_CASE(broken_json_lines_are_refused_with_the_line) {
    options.format = DocumentFormat::JsonLines;
    BOOST_TEST(contains(refusal("{\"text\": \"a\"}\n{\"text\": \n"), "line 2: this is no JSON"));
    BOOST_TEST(contains(refusal("[1]"), "line 1: this is no JSON object"));
    BOOST_TEST(contains(refusal("\n{\"id\": 1, \"url\": 2}"),
                        "line 2: there is no member \"text\" (there are: id, url)"));
    BOOST_TEST(contains(refusal("{\"text\": 7}"), "is no string"));
    BOOST_TEST(contains(refusal("{\"text\": \"" + std::string(kLongestDocument, 'x') + "\"}"),
                        "longer than a document"));
}

BOOST_AUTO_TEST_CASE(csv_gives_its_column) {
    name = "file.csv";
    const std::string csv = "id,text,note\r\n1,\"a, \"\"b\"\"\r\nc\",x\r\n\n2,d,\"\"\n3,,y";
    BOOST_TEST(read(csv) == (Texts{"a, \"b\"\r\nc\n", "d\n", ""}));
    options.field = "3";
    BOOST_TEST(read(csv) == (Texts{"note\n", "x\n", "", "y\n"}));
    name = "file.csv.gz";
    BOOST_TEST(read(test::gzip("\xEF\xBB\xBF" + csv)).size() == 4u);
}

BOOST_AUTO_TEST_CASE(broken_csv_is_refused_with_the_line) {
    options.format = DocumentFormat::Csv;
    BOOST_TEST(contains(refusal("id,body\n1,2\n"), "no column \"text\" (there are: id, body)"));
    BOOST_TEST(contains(refusal("id,text\n1,a\n2\n"), "line 3: the record has 1 columns"));
    BOOST_TEST(contains(refusal("text\na\n\"b\nc"), "line 3: the quote that begins"));
    BOOST_TEST(contains(refusal("text\n\"a\" b\n"), "line 2: text stands behind"));
}

BOOST_AUTO_TEST_CASE(a_giant_csv_field_is_cut_and_marked) {
    name = "file.csv";
    test::write_file(folder / name,
                     "text,b\n" + std::string(kLongestDocument + 9, 'x') + ",c\nd,e\n");
    const DocumentFile file(folder / name, options);
    const auto reader = file.open();
    Document document;
    BOOST_REQUIRE(reader->next(document));
    BOOST_TEST(document.is_cut);
    BOOST_TEST(document.text.size() == kLongestDocument + 1);
    BOOST_REQUIRE(reader->next(document));
    BOOST_TEST(!document.is_cut);
}

BOOST_AUTO_TEST_CASE(real_news_are_read_from_both_kinds_of_csv) {
    const auto data = test::real_data();
    if (data.empty()) {
        return;
    }
    const auto count = [](const std::filesystem::path& path, const std::string& field) {
        const DocumentFile file(path, {DocumentFormat::Auto, field});
        const auto reader = file.open();
        Document document;
        int documents = 0;
        while (reader->next(document)) {
            documents += document.text.empty() ? 0 : 1;
        }
        return documents;
    };
    BOOST_TEST(count(data / "ag_news/test.csv", "3") == 7600);
    BOOST_TEST(count(data / "cord19/metadata_cc.csv", "abstract") == 1296);
    BOOST_TEST(count(data / "multi30k/train.fr.gz", "text") == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::text
