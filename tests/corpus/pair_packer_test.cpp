#include "corpus/pair_packer.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hpml::corpus {
namespace {

using Ids = std::vector<std::int32_t>;

constexpr text::SpecialTokens kSpecial{0, 1, 2, 3, 4};
constexpr std::int32_t kPerDocument = 1000;
constexpr std::int32_t kSentence = 5;

/// Sentences of five tokens; token i of document d is 1000 (d + 1) + i.
PieceDocument document(std::int32_t number, std::int32_t sentences, std::int64_t draw) {
    PieceDocument made;
    made.draw = draw;
    for (std::int32_t i = 0; i < sentences * kSentence; ++i) {
        made.ids.push_back(kPerDocument * (number + 1) + i);
    }
    for (std::int32_t i = 1; i <= sentences; ++i) {
        made.sentence_ends.push_back(i * kSentence);
    }
    return made;
}

struct Pair {
    Ids first;
    Ids second;
    std::int64_t document = 0;
    bool is_random = false;
    std::size_t length = 0;
};

/// Rows taken apart, their special tokens checked.
std::vector<Pair> pack(const std::vector<PieceDocument>& documents, const RowForm& form,
                       double short_sequences = 0) {
    std::vector<Pair> pairs;
    PairPacker packer({Pack::Pairs, short_sequences, 7}, form);
    const auto use = [&](const Sample& sample) {
        const std::size_t extra = form.doubles_separator ? 1 : 0;
        const auto at = static_cast<std::size_t>(sample.pair.first_part);
        BOOST_REQUIRE(sample.ids.size() <= static_cast<std::size_t>(form.sequence_length));
        BOOST_REQUIRE(at >= 3);
        BOOST_REQUIRE(at + extra + 2 <= sample.ids.size());
        BOOST_TEST(sample.ids.front() == kSpecial.cls);
        BOOST_TEST(sample.ids[at - 1] == kSpecial.sep);
        BOOST_TEST(((extra == 0) || (sample.ids[at] == kSpecial.sep)));
        BOOST_TEST(sample.ids.back() == kSpecial.sep);
        pairs.push_back(
            {Ids(sample.ids.begin() + 1, sample.ids.begin() + sample.pair.first_part - 1),
             Ids(sample.ids.begin() + sample.pair.first_part + static_cast<std::ptrdiff_t>(extra),
                 sample.ids.end() - 1),
             sample.document, sample.pair.is_random, sample.ids.size()});
    };
    for (std::size_t i = 0; i < documents.size(); ++i) {
        if (packer.begins_block(documents[i])) {
            packer.end_block(use);
        }
        packer.add(documents[i], static_cast<std::int64_t>(i), use);
    }
    return pairs;
}

std::vector<PieceDocument> many_documents() {
    std::vector<PieceDocument> documents;
    for (std::int32_t i = 0; i < 200; ++i) {
        documents.push_back(document(i, 1 + i % 40, 1 + 3 * i));
    }
    return documents;
}

std::int32_t document_of(std::int32_t id) { return id / kPerDocument - 1; }

BOOST_AUTO_TEST_SUITE(pairs)

BOOST_AUTO_TEST_CASE(half_of_the_second_parts_are_of_another_document) {
    const auto pairs = pack(many_documents(), {64, kSpecial, false});
    std::size_t random = 0;
    for (const Pair& pair : pairs) {
        random += pair.is_random ? 1 : 0;
        for (const std::int32_t id : pair.first) {
            BOOST_REQUIRE(document_of(id) == pair.document);
        }
        const std::int32_t other = document_of(pair.second.front());
        BOOST_REQUIRE(document_of(pair.second.back()) == other);
        if (pair.is_random) {
            BOOST_REQUIRE(other != pair.document);
            BOOST_REQUIRE(other >= pair.document - 64);
            BOOST_REQUIRE(other < pair.document);
        } else {
            BOOST_REQUIRE(other == pair.document);
        }
    }
    // More than half: a chunk of one sentence has nothing that follows.
    BOOST_TEST(pairs.size() > 500);
    BOOST_TEST(static_cast<double>(random) / static_cast<double>(pairs.size()) > 0.5);
    BOOST_TEST(static_cast<double>(random) / static_cast<double>(pairs.size()) < 0.65);
}

BOOST_AUTO_TEST_CASE(a_true_second_part_follows_and_every_sentence_of_the_document_is_used) {
    // Rows with room for all that gathers: eleven sentences and their overhang.
    const auto documents = many_documents();
    std::vector<Ids> seen(documents.size());
    for (const Pair& pair : pack(documents, {60 + 3, kSpecial, false})) {
        Ids& own = seen[static_cast<std::size_t>(pair.document)];
        own.insert(own.end(), pair.first.begin(), pair.first.end());
        if (!pair.is_random) {
            BOOST_TEST(pair.second.front() == pair.first.back() + 1);
            own.insert(own.end(), pair.second.begin(), pair.second.end());
        } else {
            BOOST_TEST(pair.second.front() % kSentence == 0);
        }
    }
    for (std::size_t i = 0; i < documents.size(); ++i) {
        BOOST_TEST(seen[i] == documents[i].ids, "document " << i);
    }
}

BOOST_AUTO_TEST_CASE(what_is_too_long_loses_tokens_at_the_ends_of_the_longer_part) {
    std::size_t at_front = 0;
    std::size_t at_back = 0;
    for (const Pair& pair : pack({document(0, 2, 1), document(1, 40, 2)}, {10, kSpecial, false})) {
        BOOST_TEST(pair.length == 10);
        for (const Ids* part : {&pair.first, &pair.second}) {
            BOOST_TEST(part->back() - part->front() + 1 == static_cast<std::int32_t>(part->size()));
            at_front += part->front() % kSentence != 0 ? 1 : 0;
            at_back += part->back() % kSentence != kSentence - 1 ? 1 : 0;
        }
        BOOST_TEST(pair.first.size() >= 3);
        BOOST_TEST(pair.second.size() >= 3);
    }
    BOOST_TEST(at_front > 5);
    BOOST_TEST(at_back > 5);
}

BOOST_AUTO_TEST_CASE(a_blocks_first_document_gives_true_pairs_and_none_lends_to_the_next_block) {
    for (const Pair& pair : pack({document(0, 30, 256)}, {32, kSpecial, false})) {
        BOOST_TEST(!pair.is_random);
    }
    const auto lone = pack({document(0, 1, 256)}, {32, kSpecial, false});
    BOOST_REQUIRE(lone.size() == 1);
    BOOST_TEST(!lone[0].is_random);
    BOOST_TEST(lone[0].first.size() + lone[0].second.size() == 5);
    const auto pairs =
        pack({document(0, 9, 1), document(1, 30, 512), document(2, 30, 3)}, {32, kSpecial, false});
    for (const Pair& pair : pairs) {
        BOOST_TEST((!pair.is_random || document_of(pair.second.front()) == 1));
    }
}

BOOST_AUTO_TEST_CASE(byte_level_tokenizers_have_two_separators_between_the_parts) {
    const auto pairs = pack(many_documents(), {64, kSpecial, true});  // checked by pack()
    BOOST_TEST(std::ranges::max(pairs, {}, &Pair::length).length == 64);
}

BOOST_AUTO_TEST_CASE(short_rows_gather_less) {
    const auto mean = [](const std::vector<Pair>& pairs) {
        double sum = 0;
        for (const Pair& pair : pairs) {
            sum += static_cast<double>(pair.length);
        }
        return sum / static_cast<double>(pairs.size());
    };
    const double all = mean(pack(many_documents(), {128, kSpecial, false}));
    const double cut = mean(pack(many_documents(), {128, kSpecial, false}, 0.5));
    BOOST_TEST(cut < 0.93 * all);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::corpus
