#include <boost/test/unit_test.hpp>
#include <vector>

#include "base/error.h"
#include "packing.h"
#include "support/data.h"
#include "support/text.h"
#include "text/documents.h"

namespace hpml::text {
namespace {

const std::string kHead =
    "<mediawiki xmlns=\"http://www.mediawiki.org/xml/export-0.10/\" xml:lang=\"de\">\n<siteinfo>"
    "<namespaces><namespace key=\"6\" case=\"first-letter\">Datei</namespace>"
    "<namespace key=\"0\" /></namespaces></siteinfo>\n";
const std::string kTail = "</mediawiki>\n";

std::string page(const std::string& text, const std::string& before = "<ns>0</ns>",
                 const std::string& in_revision = "<model>wikitext</model>") {
    return "  <page>\n    <title>T</title>" + before + "<id>1</id><revision><id>2</id>" +
           "<contributor><username>U</username><id>3</id></contributor>" + in_revision +
           "<text xml:space=\"preserve\">" + text + "</text></revision>\n  </page>\n";
}

using test::contains;

struct Folder {
    test::ScratchFolder folder{"dump"};
    DropCounts dropped{};

    std::vector<std::string> read(const std::string& bytes) {
        test::write_file(folder / "file", bytes);
        return read_parts({0, UINT64_MAX});
    }
    /// @param cuts  where the parts begin and end
    std::vector<std::string> read_parts(const std::vector<std::uint64_t>& cuts) {
        const DocumentFile file(folder / "file", {});
        BOOST_REQUIRE(file.format() == DocumentFormat::Dump);
        std::vector<std::string> texts;
        dropped = {};
        for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
            const auto reader = file.open({cuts[i], cuts[i + 1]});
            Document document;
            while (reader->next(document)) {
                texts.push_back(document.text);
            }
            for (std::size_t reason = 0; reason < kDrops; ++reason) {
                dropped[reason] += reader->dropped()[reason];
            }
        }
        return texts;
    }
    std::string refusal(const std::string& bytes) {
        try {
            (void)read(bytes);
        } catch (const InputError& error) {
            return error.what();
        }
        return "accepted";
    }
    std::int64_t count(Drop reason) const { return dropped[static_cast<std::size_t>(reason)]; }
};

/// A dump of pages whose texts do not pack well.
std::string large_dump(int pages) {
    std::string xml = kHead;
    std::uint64_t state = 3;
    for (int number = 0; number < pages; ++number) {
        std::string text = "Page " + std::to_string(number) + " &lt;ref&gt;x&lt;/ref&gt;";
        for (int word = 0; word < 40 + number % 300; ++word) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            text += " " + std::to_string(state >> 44);
        }
        xml += number % 7 == 3 ? page("#REDIRECT [[A]]", "<ns>0</ns><redirect title=\"A\" />")
                               : page(text);
    }
    return xml + kTail;
}

BOOST_FIXTURE_TEST_SUITE(dump, Folder)

BOOST_AUTO_TEST_CASE(articles_come_cleaned_and_the_rest_is_counted) {
    const auto texts =
        read(kHead + page("A [[river|stream]].&lt;ref&gt;b&lt;/ref&gt;") + page("x", "<ns>1</ns>") +
             page("", "<ns>0</ns><redirect title=\"A\" />") + page("#redirect [[A]]") +
             page("a{b:c}", "<ns>0</ns>", "<model>css</model>") +
             "<page><title>T</title><ns>0</ns><revision><text deleted=\"deleted\" />"
             "</revision></page><page><title>T</title><ns>0</ns></page>" +
             page("[[Datei:a.png|b]]Second &amp;amp; last.") + kTail);
    BOOST_REQUIRE(texts.size() == 2u);
    BOOST_TEST(texts[0] == "A stream.\n");
    BOOST_TEST(texts[1] == "Second & last.\n");
    BOOST_TEST(count(Drop::OtherNamespace) == 1);
    BOOST_TEST(count(Drop::Redirect) == 2);
    BOOST_TEST(count(Drop::OtherModel) == 1);
    BOOST_TEST(count(Drop::NoRevision) == 2);
}

BOOST_AUTO_TEST_CASE(the_last_revision_counts) {
    const auto texts = read(kHead +
                            "<page><title>T</title><ns>0</ns><revision><text>old</text></revision>"
                            "<revision><text>new</text></revision></page>" +
                            kTail);
    BOOST_REQUIRE(texts.size() == 1u);
    BOOST_TEST(texts[0] == "new\n");
}

BOOST_AUTO_TEST_CASE(a_dump_may_be_packed) {
    const std::string xml = kHead + page("a") + page("b") + kTail;
    for (const std::string& bytes :
         {xml, test::gzip(xml), test::bzip2(xml), "<?xml version=\"1.0\"?>\n" + xml,
          test::bzip2(kHead) + test::bzip2(page("a")) + test::bzip2(page("b") + kTail)}) {
        const auto texts = read(bytes);
        BOOST_REQUIRE(texts.size() == 2u);
        BOOST_TEST(texts[1] == "b\n");
    }
}

BOOST_AUTO_TEST_CASE(a_long_page_is_cut_and_marked) {
    test::write_file(folder / "file",
                     kHead + page(std::string(kLongestDocument + 100, 'x')) + page("b") + kTail);
    const DocumentFile file(folder / "file", {});
    const auto reader = file.open();
    Document document;
    BOOST_REQUIRE(reader->next(document));
    BOOST_TEST(document.is_cut);
    BOOST_TEST(document.text.size() == kLongestDocument + 1);
    BOOST_REQUIRE(reader->next(document));
    BOOST_TEST(!document.is_cut);
    BOOST_TEST(document.text == "b\n");
}

BOOST_AUTO_TEST_CASE(what_is_no_dump_is_refused) {
    const std::string doctype = "<?xml version=\"1.0\"?><!DOCTYPE m [<!ENTITY a \"b\">]>" + kHead;
    BOOST_TEST(contains(refusal(doctype + page("&a;") + kTail), "a DOCTYPE is refused"));
    BOOST_TEST(contains(refusal(kHead + page("&a;") + kTail), "undefined entity"));
    BOOST_TEST(contains(refusal("<?xml version=\"1.0\"?><html></html>"), "no <mediawiki>"));
    BOOST_TEST(contains(refusal(kHead + page("a") + "</page>"), "not well-formed"));
    std::string deep = kHead;
    for (int depth = 0; depth < 100000; ++depth) {
        deep += "<a>";
    }
    BOOST_TEST(contains(refusal(deep), "nested deeper"));
    BOOST_TEST(contains(refusal(kHead + "<page a=\"" + std::string(5 << 20, 'x')), "a mebibyte"));
}

BOOST_AUTO_TEST_CASE(a_dump_that_is_cut_short_is_refused) {
    const std::string xml = kHead + page("a") + page("b") + kTail;
    for (const std::size_t size : {xml.size() - 3, xml.size() - kTail.size(), xml.size() / 2}) {
        const std::string why = refusal(xml.substr(0, size));
        BOOST_TEST(contains(why, "file, near byte " + std::to_string(size)), why);
    }
}

BOOST_AUTO_TEST_CASE(parts_of_a_plain_dump_are_the_whole) {
    const std::string xml = kHead + page("a") + page("b") + page("c") + kTail;
    const auto whole = read(xml);
    BOOST_REQUIRE(whole.size() == 3u);
    for (std::uint64_t cut = 1; cut < xml.size(); ++cut) {
        BOOST_REQUIRE_MESSAGE(read_parts({0, cut, cut + 40, UINT64_MAX}) == whole, "cut " << cut);
    }
    test::write_file(folder / "file", xml.substr(0, xml.size() - 5));
    BOOST_CHECK_THROW((void)read_parts({0, 300, UINT64_MAX}), InputError);
}

BOOST_AUTO_TEST_CASE(parts_of_a_packed_dump_are_the_whole) {
    const std::string xml = large_dump(500);
    const std::size_t half = xml.find("  <page>", xml.size() / 2);
    for (const std::string& bytes :
         {test::bzip2(xml), test::bzip2(xml.substr(0, half)) + test::bzip2(xml.substr(half)),
          test::bzip2(kHead) + test::bzip2(xml.substr(kHead.size()), 3)}) {
        const auto whole = read(bytes);
        const DropCounts all = dropped;
        BOOST_REQUIRE(whole.size() == 429u);
        BOOST_TEST(count(Drop::Redirect) == 71);
        const std::uint64_t size = bytes.size();
        for (const std::vector<std::uint64_t>& cuts :
             {std::vector<std::uint64_t>{0, 1, UINT64_MAX},
              {0, size / 2, size},
              {0, size / 7, size / 6, size / 5, size / 4, size / 3, UINT64_MAX},
              {0, size - 1, size, size + 9, UINT64_MAX}}) {
            BOOST_CHECK(read_parts(cuts) == whole);
            BOOST_CHECK(dropped == all);
        }
    }
}

BOOST_AUTO_TEST_CASE(the_real_dump_gives_its_articles) {
    const auto data = test::real_data();
    if (data.empty()) {
        return;
    }
    const DocumentFile file(
        data /
            "wikipedia/dump/"
            "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2",
        {});
    std::vector<std::string> texts[2];
    for (int parts = 1; parts <= 2; ++parts) {
        for (int part = 0; part < parts; ++part) {
            const std::uint64_t middle = 800000;
            const auto reader =
                file.open({part == 0 ? 0 : middle, part == parts - 1 ? UINT64_MAX : middle});
            Document document;
            while (reader->next(document)) {
                texts[parts - 1].push_back(document.text);
            }
        }
    }
    BOOST_TEST(texts[0].size() == 106u);
    BOOST_CHECK(texts[0] == texts[1]);
    BOOST_TEST(texts[0][0].starts_with("Anarchism is a political philosophy that advocates "));
    for (const std::string& text : texts[0]) {
        for (const char* left : {"{{", "}}", "[[", "]]", "<ref", "'''", "{|"}) {
            BOOST_TEST(!contains(text, left), left << " in " << text.substr(0, 60));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::text
