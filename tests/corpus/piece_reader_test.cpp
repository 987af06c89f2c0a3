#include <boost/test/unit_test.hpp>
#include <vector>

#include "corpus/corpus_fixture.h"
#include "corpus/prepare_piece.h"

using namespace hpml;
using corpus::PieceDocument;
using corpus::PieceReader;

namespace {

/// Documents of one id up to more than the reader holds at once; every third has wide ids.
std::vector<PieceDocument> write_documents(const std::filesystem::path& path) {
    std::vector<PieceDocument> documents;
    corpus::PieceWriter writer(path);
    for (const std::size_t ids : {1, 3000, 700000, 20, 30, 2, 400000, 1500, 900000, 5, 6}) {
        PieceDocument document;
        document.draw = static_cast<std::int64_t>(documents.size());
        document.text_hash = {ids, 7};
        for (std::size_t i = 0; i < ids; ++i) {
            document.ids.push_back(static_cast<std::int32_t>(i % 60000) +
                                   (documents.size() % 3 == 0 ? 70000 : 0));
        }
        document.sentence_ends = {1, static_cast<std::int32_t>(ids)};
        document.sentence_ends.resize(ids > 1 ? 2 : 1);
        writer.append(document);
        documents.push_back(document);
    }
    (void)writer.publish();
    return documents;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(piece_reader_suite)

BOOST_AUTO_TEST_CASE(documents_come_back_whichever_are_passed_over) {
    const test::ScratchFolder folder("piece");
    const auto documents = write_documents(folder / "piece");
    for (unsigned wanted = 0; wanted < 1U << documents.size(); ++wanted) {
        PieceReader reader(folder / "piece");
        PieceDocument found;
        for (const PieceDocument& document : documents) {
            BOOST_REQUIRE(reader.next_unread(found));
            BOOST_REQUIRE(found.draw == document.draw);
            BOOST_REQUIRE((found.text_hash == document.text_hash));
            // Few patterns read the long ones: the test would take minutes.
            const bool is_read = (wanted >> document.draw & 1U) != 0 &&
                                 (document.ids.size() < 10000 || wanted % 97 == 0);
            if (is_read) {
                reader.read_content(found);
                BOOST_REQUIRE((found.ids == document.ids));
                BOOST_REQUIRE((found.sentence_ends == document.sentence_ends));
            }
        }
        BOOST_REQUIRE(!reader.next_unread(found));
    }
}

BOOST_AUTO_TEST_CASE(a_piece_that_is_cut_short_is_refused_though_its_content_is_passed_over) {
    const test::ScratchFolder folder("piece");
    (void)write_documents(folder / "piece");
    const std::uint64_t bytes = std::filesystem::file_size(folder / "piece");
    for (const std::uint64_t cut : {std::uint64_t{1}, std::uint64_t{300}, bytes / 2}) {
        std::filesystem::resize_file(folder / "piece", bytes - cut);
        test::must_fail<InputError>(
            [&] {
                PieceReader reader(folder / "piece");
                PieceDocument document;
                while (reader.next_unread(document)) {
                }
            },
            {"piece is damaged"});
    }
}

BOOST_AUTO_TEST_SUITE_END()
