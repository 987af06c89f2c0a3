#include "corpus/packing.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>
#include <vector>

namespace hpml::corpus {
namespace {

using Ids = std::vector<std::int32_t>;

constexpr std::int32_t kClassifier = 2;
constexpr std::int32_t kSeparator = 3;
constexpr std::int64_t kLength = 10;

RowForm form(std::int64_t length = kLength) { return {length, {0, 1, kClassifier, kSeparator, 4}}; }

/// A document of sentences of these lengths, whose ids count from 10 on.
PieceDocument document(const std::vector<std::int32_t>& lengths, std::int64_t draw = 1) {
    PieceDocument made;
    made.draw = draw;
    for (const std::int32_t length : lengths) {
        for (std::int32_t i = 0; i < length; ++i) {
            made.ids.push_back(10 + static_cast<std::int32_t>(made.ids.size()));
        }
        made.sentence_ends.push_back(static_cast<std::int32_t>(made.ids.size()));
    }
    return made;
}

struct Row {
    Ids ids;
    std::int64_t document = 0;
};

std::vector<Row> pack(const PackingOptions& options, const std::vector<PieceDocument>& documents,
                      std::int64_t length = kLength) {
    std::vector<Row> rows;
    const auto packer = make_packer(options, form(length));
    const auto use = [&](const Sample& sample) {
        rows.push_back({Ids(sample.ids.begin(), sample.ids.end()), sample.document});
    };
    std::int64_t number = 0;
    for (const PieceDocument& each : documents) {
        if (packer->begins_block(each)) {
            packer->end_block(use);
        }
        packer->add(each, number++, use);
    }
    packer->end_block(use);
    return rows;
}

std::vector<std::size_t> sizes(const std::vector<Row>& rows) {
    std::vector<std::size_t> all;
    std::ranges::transform(rows, std::back_inserter(all),
                           [](const Row& row) { return row.ids.size(); });
    return all;
}

/// The tokens of all rows, without the special ones.
Ids content(const std::vector<Row>& rows) {
    Ids all;
    for (const Row& row : rows) {
        std::ranges::copy_if(row.ids, std::back_inserter(all),
                             [](std::int32_t id) { return id >= 10; });
    }
    return all;
}

Ids content(const std::vector<PieceDocument>& documents) {
    Ids all;
    for (const PieceDocument& each : documents) {
        all.insert(all.end(), each.ids.begin(), each.ids.end());
    }
    return all;
}

void rows_must_be_framed(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        BOOST_TEST(row.ids.size() >= 3);
        BOOST_TEST(row.ids.size() <= static_cast<std::size_t>(kLength));
        BOOST_TEST(row.ids.front() == kClassifier);
        BOOST_TEST(row.ids.back() == kSeparator);
    }
}

BOOST_AUTO_TEST_SUITE(packing)

BOOST_AUTO_TEST_CASE(rows_of_tokens_are_full_but_for_a_documents_last) {
    const std::vector<PieceDocument> documents{document({5, 6, 7}), document({3})};
    const auto rows = pack({Pack::Documents}, documents);
    rows_must_be_framed(rows);
    BOOST_TEST(sizes(rows) == (std::vector<std::size_t>{10, 10, 4, 5}));
    BOOST_TEST(content(rows) == content(documents));
    BOOST_TEST(rows[2].document == 0);
    BOOST_TEST(rows[3].document == 1);
}

BOOST_AUTO_TEST_CASE(rows_of_sentences_hold_as_many_whole_ones_as_fit) {
    const std::vector<PieceDocument> documents{document({3, 4, 1, 2, 6, 2}), document({3})};
    const auto rows = pack({Pack::Sentences}, documents);
    rows_must_be_framed(rows);
    // 3 + 4 + 1, 2 + 6, 2 and the other document's 3, each with two special tokens.
    BOOST_TEST(sizes(rows) == (std::vector<std::size_t>{10, 10, 4, 5}));
    BOOST_TEST(content(rows) == content(documents));
}

BOOST_AUTO_TEST_CASE(a_sentence_longer_than_a_row_is_cut_and_nothing_is_lost) {
    const std::vector<PieceDocument> documents{document({2, 19, 4})};
    const auto rows = pack({Pack::Sentences}, documents);
    rows_must_be_framed(rows);
    // The 19 begin a row of their own; what is left of them, 3, shares one with the 4.
    BOOST_TEST(sizes(rows) == (std::vector<std::size_t>{4, 10, 10, 9}));
    BOOST_TEST(content(rows) == content(documents));
}

BOOST_AUTO_TEST_CASE(full_rows_go_on_with_the_next_document_behind_a_separator) {
    const std::vector<PieceDocument> documents{document({3}), document({2}), document({4, 1})};
    const auto rows = pack({Pack::Full}, documents);
    rows_must_be_framed(rows);
    BOOST_TEST(rows.size() == 2);
    BOOST_TEST(rows[0].ids == (Ids{kClassifier, 10, 11, 12, kSeparator, 10, 11, kSeparator}));
    BOOST_TEST(rows[1].ids == (Ids{kClassifier, 10, 11, 12, 13, 14, kSeparator}));
    BOOST_TEST(rows[0].document == 0);
    BOOST_TEST(rows[1].document == 2);
    // The same sentences, each document for itself: a row more.
    BOOST_TEST(pack({Pack::Sentences}, documents).size() == 3);
}

BOOST_AUTO_TEST_CASE(where_a_block_begins_depends_on_the_document_alone) {
    const auto packer = make_packer({Pack::Full}, form());
    int begins = 0;
    for (std::int64_t draw = 0; draw < 25600; ++draw) {
        begins += packer->begins_block(document({1}, draw)) ? 1 : 0;
    }
    BOOST_TEST(begins == 100);
    BOOST_TEST(packer->begins_block(document({1}, 512)));
    BOOST_TEST(make_packer({Pack::Sentences}, form())->begins_block(document({1}, 513)));
    // A row ends with its block.
    BOOST_TEST(pack({Pack::Full}, {document({3}, 1), document({2}, 512)}).size() == 2);
}

BOOST_AUTO_TEST_CASE(short_rows_have_their_share_and_every_length) {
    constexpr std::int64_t kLong = 102;
    std::vector<PieceDocument> documents;
    for (std::int64_t draw = 0; draw < 200; ++draw) {
        documents.push_back(document({5000}, draw));
    }
    const auto rows = pack({Pack::Documents, 0.1}, documents, kLong);
    BOOST_TEST(content(rows) == content(documents));
    std::vector<int> counts(kLong + 1);
    for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
        if (rows[i + 1].document == rows[i].document) {  // a document's last row is short anyway
            ++counts[rows[i].ids.size()];
        }
    }
    const int all = std::accumulate(counts.begin(), counts.end(), 0);
    // A 99th of the short rows is as long as all others.
    BOOST_TEST(static_cast<double>(all - counts[kLong]) / all == 0.1 * 98 / 99,
               boost::test_tools::tolerance(0.1));
    for (std::size_t size = 4; size < static_cast<std::size_t>(kLong); ++size) {
        BOOST_TEST(counts[size] > 0, "no row of " << size);
    }
    BOOST_TEST(counts[3] == 0);
    // Other seeds shorten other rows; the same seed shortens the same ones.
    BOOST_TEST((sizes(pack({Pack::Documents, 0.1, 43}, documents, kLong)) != sizes(rows)));
    BOOST_TEST((sizes(pack({Pack::Documents, 0.1}, documents, kLong)) == sizes(rows)));
}

BOOST_AUTO_TEST_CASE(short_rows_of_sentences_keep_their_first_sentence_whole) {
    std::vector<PieceDocument> documents;
    for (std::int64_t draw = 0; draw < 300; ++draw) {
        documents.push_back(document({6, 1, 1, 6, 7, 3}, draw));
    }
    for (const Pack kind : {Pack::Sentences, Pack::Full}) {
        const auto rows = pack({kind, 1}, documents);
        rows_must_be_framed(rows);
        BOOST_TEST(content(rows) == content(documents));
        for (const Row& row : rows) {
            // Where sentences of these documents begin.
            BOOST_TEST(std::ranges::count(Ids{10, 16, 17, 18, 24, 31}, row.ids[1]) == 1);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::corpus
