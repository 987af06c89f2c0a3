#include "corpus/order_documents.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <functional>
#include <set>

#include "base/philox.h"
#include "corpus/parallel/shared_folder.h"
#include "corpus/prepare_piece.h"

namespace hpml::corpus {
namespace {

namespace fs = std::filesystem;

using Documents = std::vector<PieceDocument>;

/// A document that no other one is like, some of them long.
PieceDocument document(std::uint32_t number) {
    PhiloxStream stream(philox_key(1, RandomUse::Test), number, 0, 0);
    PieceDocument made;
    made.text_hash = hash_text("document " + std::to_string(number));
    made.draw = static_cast<std::int64_t>(document_draw(made.text_hash, 42, RandomUse::Split) >> 1);
    const std::uint32_t length = 1 + stream.below(number % 16 == 0 ? 3000 : 200);
    for (std::uint32_t i = 0; i < length; ++i) {
        made.ids.push_back(
            static_cast<std::int32_t>(stream.below(number % 5 == 0 ? 90000 : 30000)));
    }
    return made;
}

Documents documents(std::uint32_t count) {
    Documents all;
    for (std::uint32_t i = 0; i < count; ++i) {
        all.push_back(document(i));
    }
    return all;
}

/// Every so many tokens another one, under another hash: a text with a few words changed.
PieceDocument changed(PieceDocument original, std::size_t every) {
    for (std::size_t i = 0; i < original.ids.size(); i += every) {
        original.ids[i] += 30000;
    }
    original.text_hash.low += 1;
    return original;
}

struct Stage : test::SharedFolder {
    OrderTask task;

    Stage() : SharedFolder("order") {
        task.folder = folder / "ordered";
        task.seed = 42;
    }
    /// Pieces of these documents, so many in each.
    DocumentPieces pieces(const Documents& all, std::size_t each) {
        DocumentPieces made;
        for (std::size_t first = 0; first < all.size(); first += each) {
            const std::size_t end = std::min(all.size(), first + each);
            made.paths.push_back(folder / ("piece-" + std::to_string(made.paths.size())));
            made.documents.push_back(static_cast<std::int64_t>(end - first));
            if (world.is_root()) {
                PieceWriter writer(made.paths.back());
                for (std::size_t i = first; i < end; ++i) {
                    writer.append(all[i]);
                }
                (void)writer.publish();
            }
        }
        world.barrier();
        return made;
    }
    OrderedDocuments order(const Documents& all, std::size_t each) {
        ++task.settings.low;  // so that nothing is found of the time before
        return order_again(all, each);
    }
    OrderedDocuments order_again(const Documents& all, std::size_t each) {
        return order_documents(pieces(all, each), task, world, log);
    }
    /// On every rank; ends with a barrier, so that the files may be made again.
    Documents read(const OrderedDocuments& ordered) {
        Documents all;
        for (std::size_t piece = 0; piece < ordered.pieces.paths.size(); ++piece) {
            const std::size_t before = all.size();
            PieceReader reader(ordered.pieces.paths[piece]);
            for (PieceDocument next; reader.next(next);) {
                all.push_back(next);
            }
            BOOST_TEST(ordered.pieces.documents[piece] ==
                       static_cast<std::int64_t>(all.size() - before));
        }
        world.barrier();
        return all;
    }
    [[nodiscard]] std::uint64_t key(const PieceDocument& one) const {
        return document_draw(one.text_hash, task.seed, RandomUse::Shuffle);
    }
};

BOOST_FIXTURE_TEST_SUITE(order_documents_suite, Stage)

BOOST_AUTO_TEST_CASE(the_order_is_that_of_the_keys_whatever_the_pieces_and_the_limits) {
    Documents all = documents(400);
    task.shuffle = true;
    for (const std::size_t each : {400, 64}) {
        for (const std::uint64_t limit : {std::uint64_t{1} << 25, std::uint64_t{80000}}) {
            task.bucket = Bytes(limit);
            task.spread = Bytes(limit);
            const OrderedDocuments ordered = order(all, each);
            Documents expected = all;
            std::ranges::sort(expected, {}, [&](const auto& one) { return key(one); });
            BOOST_TEST(ordered.pieces.paths.size() == (limit < 100000 ? 4U : 1U));
            BOOST_TEST(ordered.documents == 400);
            BOOST_CHECK(read(ordered) == expected);
        }
    }
    std::ranges::reverse(all);
    const Documents reversed = read(order(all, 10));
    BOOST_TEST(std::ranges::is_sorted(reversed, {}, [&](const auto& one) { return key(one); }));
    task.seed = 43;
    BOOST_CHECK(read(order(all, 10)) != reversed);
}

BOOST_AUTO_TEST_CASE(nothing_but_the_ordered_pieces_and_their_note_is_left) {
    task.shuffle = true;
    task.duplicates = DuplicateDocuments::Near;
    task.bucket = Bytes(20000);
    const OrderedDocuments ordered = order(documents(100), 10);
    std::set<fs::path> left;
    for (const auto& entry : fs::directory_iterator(task.folder)) {
        left.insert(entry.path());
    }
    std::set<fs::path> expected(ordered.pieces.paths.begin(), ordered.pieces.paths.end());
    expected.insert(task.folder / "ordered.json");
    BOOST_CHECK(left == expected);
}

BOOST_AUTO_TEST_CASE(a_finished_stage_is_found_again_unless_it_is_damaged_or_of_other_settings) {
    Documents all = documents(100);
    all.push_back(all[0]);
    task.shuffle = true;
    task.duplicates = DuplicateDocuments::Exact;
    task.bucket = Bytes(20000);
    const OrderedDocuments made = order(all, 10);
    const Documents expected = read(made);
    const auto again = [&](bool was_there) {
        const OrderedDocuments ordered = order_again(all, 10);
        BOOST_TEST(ordered.was_there == was_there);
        BOOST_TEST(ordered.documents == 100);
        BOOST_TEST(ordered.exact_duplicates == 1);
        BOOST_TEST(ordered.least_draw == made.least_draw);
        BOOST_TEST(ordered.greatest_draw == made.greatest_draw);
        BOOST_CHECK(ordered.pieces.paths == made.pieces.paths);
        BOOST_CHECK(ordered.pieces.documents == made.pieces.documents);
        BOOST_CHECK(read(ordered) == expected);
    };
    const auto on_root = [&](const std::function<void()>& work) {
        if (world.is_root()) {
            work();
        }
        world.barrier();
    };
    again(true);
    on_root([&] { std::fstream(made.pieces.paths[3], std::ios::in | std::ios::out).put('x'); });
    again(false);
    on_root([&] { fs::remove(made.pieces.paths.back()); });
    again(false);
    on_root([&] { test::write_file(task.folder / "ordered.json", "{\"settings\""); });
    again(false);
    again(true);
    ++task.settings.low;
    again(false);
}

BOOST_AUTO_TEST_CASE(copies_of_one_document_take_no_more_memory_than_one) {
    Documents all = documents(20);
    all.insert(all.end(), 3000, all[16]);
    task.shuffle = true;
    task.spread = Bytes(1000000);
    const OrderedDocuments ordered = order(all, 500);
    const Documents stored = read(ordered);
    BOOST_TEST(ordered.documents == 3020);
    BOOST_TEST(std::ranges::count(stored, all[16].text_hash, &PieceDocument::text_hash) == 3001);
    BOOST_TEST(ordered.peak.value < 60000U);
    task.duplicates = DuplicateDocuments::Exact;
    const OrderedDocuments without = order(all, 500);
    BOOST_TEST(without.exact_duplicates == 3000);
    BOOST_TEST(read(without).size() == 20U);
}

BOOST_AUTO_TEST_CASE(a_bucket_takes_little_more_memory_than_was_asked_for) {
    task.shuffle = true;
    task.bucket = Bytes(200000);
    const OrderedDocuments ordered = order(documents(6000), 500);
    BOOST_TEST(ordered.pieces.paths.size() == 32U);
    BOOST_TEST(ordered.peak.value < 300000U);
}

BOOST_AUTO_TEST_CASE(of_equal_texts_the_first_stays_in_its_place) {
    Documents all = documents(300);
    Documents expected = all;
    for (const std::size_t copy : {3U, 17U, 17U, 299U}) {  // behind the original, near and far
        all.push_back(all[copy]);
    }
    all.insert(all.begin() + 4, all[3]);
    all.push_back(changed(all[100], 50));
    expected.push_back(all.back());
    task.duplicates = DuplicateDocuments::Exact;
    for (const std::size_t most_hashes : {std::size_t{1} << 20, std::size_t{50}}) {
        for (const std::size_t each : {400U, 37U}) {
            task.most_hashes = most_hashes;
            const OrderedDocuments ordered = order(all, each);
            BOOST_TEST(ordered.exact_duplicates == 5);
            BOOST_TEST(ordered.near_duplicates == 0);
            BOOST_TEST(ordered.documents == 301);
            BOOST_CHECK(read(ordered) == expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(of_near_duplicates_the_first_stays_and_no_other_document_goes) {
    Documents all;
    Documents expected;
    for (std::uint32_t i = 0; i < 3200; i += 16) {  // up to 3000 tokens each
        expected.push_back(document(i));
    }
    all = expected;
    for (std::size_t i = 0; i < 50; ++i) {
        all.push_back(changed(expected[i], 400));  // shares some 97 % of the runs, is found
    }
    all.push_back(expected[7]);
    for (std::size_t i = 100; i < 150; ++i) {
        expected.push_back(changed(expected[i], 5));  // shares none
        all.push_back(expected.back());
    }
    task.duplicates = DuplicateDocuments::Near;
    for (const std::size_t most_hashes : {std::size_t{1} << 20, std::size_t{300}}) {
        task.most_hashes = most_hashes;
        const OrderedDocuments ordered = order(all, 37);
        BOOST_TEST(ordered.exact_duplicates == 1);
        BOOST_TEST(ordered.near_duplicates == 50);
        BOOST_CHECK(read(ordered) == expected);
    }
}

BOOST_AUTO_TEST_CASE(the_draws_are_those_of_the_documents_that_stay) {
    Documents all = documents(50);
    const auto least = std::ranges::min(all, {}, &PieceDocument::draw).draw;
    const auto greatest = std::ranges::max(all, {}, &PieceDocument::draw).draw;
    PieceDocument copy = changed(document(16), 400);
    copy.draw = 0;
    all.push_back(copy);
    task.duplicates = DuplicateDocuments::Near;
    const OrderedDocuments ordered = order(all, 7);
    BOOST_TEST(ordered.near_duplicates == 1);
    BOOST_TEST(ordered.least_draw == least);
    BOOST_TEST(ordered.greatest_draw == greatest);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::corpus
