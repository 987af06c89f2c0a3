#include "corpus/shard.h"

#include <sys/resource.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <limits>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "corpus/corpus_fixture.h"
#include "corpus/split_reader.h"
#include "h5/file.h"

using namespace hpml;
using corpus::ShardEntry;
using corpus::ShardReader;

namespace {

/// What a shard is made of, so that a test can spoil one part.
struct Parts {
    std::vector<std::uint16_t> tokens{2, 10, 3, 2, 11, 12, 3};
    std::vector<std::int32_t> offsets{0, 3, 7};
    std::vector<std::int32_t> documents{0, 1};
    std::int64_t format_version = corpus::kShardFormatVersion;
    std::int64_t first_document = std::int64_t{1} << 40;
    std::string vocabulary_hash = test::sample_format().vocabulary_hash.hex();
    bool with_documents = true;
    std::vector<std::uint16_t> first_parts{};  ///< empty: no corpus of pairs
    std::vector<std::uint16_t> next_sentence_labels{};
};

ShardEntry publish(const std::filesystem::path& path, const Parts& parts) {
    h5::MemoryFile file;
    file.add_attribute("format", std::string("hpml-corpus"));
    file.add_attribute("format_version", parts.format_version);
    file.add_attribute("sequence_length", test::kLongest);
    file.add_attribute("vocabulary_size", std::int64_t{test::kVocabularySize});
    file.add_attribute("vocabulary_hash", parts.vocabulary_hash);
    file.add_attribute("settings_hash", test::sample_format().settings_hash.hex());
    file.add_attribute("first_document", parts.first_document);
    file.add_dataset("tokens", std::span<const std::uint16_t>(parts.tokens));
    file.add_dataset("offsets", std::span<const std::int32_t>(parts.offsets));
    if (parts.with_documents) {
        file.add_dataset("documents", std::span<const std::int32_t>(parts.documents));
    }
    if (!parts.first_parts.empty()) {
        file.add_dataset("first_parts", std::span<const std::uint16_t>(parts.first_parts));
        file.add_dataset("next_sentence_labels",
                         std::span<const std::uint16_t>(parts.next_sentence_labels));
    }
    const auto image = file.image();
    AtomicFile output(path);
    output.write(image);
    ShardEntry entry{path.filename().string(), 2, 7, output.size().value, output.digest()};
    output.publish();
    return entry;
}

void opening_must_fail(const Parts& parts, const std::vector<std::string>& words) {
    const test::ScratchFolder data("shard-parts");
    const ShardEntry entry = publish(data / "s.h5", parts);
    test::must_fail<InputError>(
        [&] { ShardReader reader(data.path(), entry, test::sample_format()); }, words);
}

void reading_must_fail(const Parts& parts, std::int64_t row,
                       const std::vector<std::string>& words) {
    const test::ScratchFolder data("shard-rows");
    const ShardEntry entry = publish(data / "s.h5", parts);
    const ShardReader reader(data.path(), entry, test::sample_format());
    std::vector<std::int32_t> tokens;
    test::must_fail<InputError>([&] { reader.read_row(row, tokens); }, words);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shard_suite)

BOOST_AUTO_TEST_CASE(rows_come_back_as_they_were_in_either_width) {
    const test::ScratchFolder data("shard-width");
    for (const std::int64_t size : {1000, 65535, 65536, 120000}) {
        const auto format = test::sample_format(size);
        const ShardEntry entry = test::write_shard(data / "s.h5", 5, 37, format);
        BOOST_TEST(entry.name == "s.h5");
        BOOST_TEST(entry.rows == 37);
        BOOST_TEST((entry.hash == hash_file(data / "s.h5")));
        BOOST_TEST(entry.bytes == std::filesystem::file_size(data / "s.h5"));
        const ShardReader reader(data.path(), entry, format);
        std::vector<std::int32_t> tokens;
        for (std::int64_t row = 0; row < 37; ++row) {
            reader.read_row(row, tokens);
            BOOST_TEST(tokens == test::sample_row(5 + row), boost::test_tools::per_element());
            BOOST_TEST(reader.document(row) == (5 + row) / 3);
        }
        const h5::File file(data / "s.h5");
        BOOST_TEST(file.dataset("tokens", size < 65536 ? h5::Element::Uint16 : h5::Element::Int32)
                       .length() == entry.tokens);
    }
}

BOOST_AUTO_TEST_CASE(the_same_rows_give_the_same_bytes) {
    const test::ScratchFolder data("shard-bytes");
    const ShardEntry first = test::write_shard(data / "a.h5", 0, 50);
    const ShardEntry second = test::write_shard(data / "b.h5", 0, 50);
    BOOST_TEST((first.hash == second.hash));
    BOOST_TEST((test::read_bytes(data / "a.h5") == test::read_bytes(data / "b.h5")));
    BOOST_TEST((first.hash != test::write_shard(data / "b.h5", 1, 50).hash));
}

BOOST_AUTO_TEST_CASE(an_empty_shard_is_a_shard) {
    const test::ScratchFolder data("shard-empty");
    const ShardEntry entry = test::write_shard(data / "s.h5", 0, 0);
    const ShardReader reader(data.path(), entry, test::sample_format());
    BOOST_TEST(reader.rows() == 0);
    BOOST_TEST(reader.tokens() == 0);
}

BOOST_AUTO_TEST_CASE(rows_that_break_the_format_are_our_bug) {
    corpus::ShardWriter writer("nowhere.h5", test::sample_format());
    BOOST_CHECK_THROW(writer.append({}, 0), InternalError);
    BOOST_CHECK_THROW(writer.append(std::vector<std::int32_t>(25, 7), 0), InternalError);
    BOOST_CHECK_THROW(writer.append(std::vector<std::int32_t>{7, 1000}, 0), InternalError);
    BOOST_CHECK_THROW(writer.append(std::vector<std::int32_t>{-1}, 0), InternalError);
    BOOST_CHECK_THROW(writer.append(std::vector<std::int32_t>{7}, -1), InternalError);
}

BOOST_AUTO_TEST_CASE(documents_keep_their_64_bit_numbers_in_any_order) {
    const test::ScratchFolder data("shard-documents");
    const std::int64_t base = std::int64_t{1} << 40;
    const std::vector<std::int32_t> row{7, 8};
    const std::vector<std::int64_t> numbers{base + 0x7FFFFFFF, base, base + 5};
    corpus::ShardWriter writer(data / "s.h5", test::sample_format());
    for (const std::int64_t number : numbers) {
        writer.append(row, number);
    }
    const ShardEntry entry = writer.publish();
    const ShardReader reader(data.path(), entry, test::sample_format());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        BOOST_TEST(reader.document(static_cast<std::int64_t>(i)) == numbers[i]);
    }
    corpus::ShardWriter wide(data / "wide.h5", test::sample_format());
    wide.append(row, base);
    wide.append(row, base + 0x80000000);
    test::must_fail<InputError>([&] { (void)wide.publish(); },
                                {"wide.h5", "2^31 numbers apart", std::to_string(base)});
    BOOST_TEST(!std::filesystem::exists(data / "wide.h5"));
}

BOOST_AUTO_TEST_CASE(publishing_where_it_cannot_be_leaves_nothing) {
    const test::ScratchFolder data("shard-nowhere");
    test::must_fail<OutputError>(
        [&] { (void)test::write_shard(data.path() / "none" / "s.h5", 0, 3); }, {"s.h5"});
    BOOST_TEST(std::filesystem::is_empty(data.path()));
}

// A limit on the size of files stands for the full disk: it needs no privilege.
BOOST_AUTO_TEST_CASE(a_write_that_fails_midway_leaves_nothing) {
    const test::ScratchFolder data("shard-full");
    struct rlimit before {};
    BOOST_REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small { 1024, before.rlim_max };
    BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    std::string message;
    try {
        (void)test::write_shard(data / "s.h5", 0, 500);
    } catch (const IoError& error) {
        message = error.what();
    }
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    BOOST_TEST((message.find("File too large") != std::string::npos), message);
    BOOST_TEST(std::filesystem::is_empty(data.path()));
}

BOOST_AUTO_TEST_CASE(a_shard_cut_anywhere_is_refused) {
    const test::ScratchFolder data("shard-cut");
    const ShardEntry entry = test::write_shard(data / "s.h5", 0, 20);
    const std::string bytes = test::read_bytes(data / "s.h5");
    const auto open = [&](const ShardEntry& as) {
        ShardReader reader(data.path(), as, test::sample_format());
        std::vector<std::int32_t> tokens;
        for (std::int64_t row = 0; row < reader.rows(); ++row) {
            reader.read_row(row, tokens);
        }
    };
    test::write_file(data / "s.h5", "");
    test::must_fail<InputError>([&] { open(entry); }, {"s.h5", "is empty"});
    test::write_file(data / "s.h5", bytes + "x");
    test::must_fail<InputError>([&] { open(entry); }, {"s.h5", "too long"});
    for (std::size_t cut = 1; cut <= 64; ++cut) {
        const std::size_t size = bytes.size() - bytes.size() * cut / 65 - 1;
        test::write_file(data / "s.h5", bytes.substr(0, size));
        test::must_fail<InputError>(
            [&] { open(entry); },
            {"s.h5", "truncated: " + std::to_string(size) + " bytes", std::to_string(entry.bytes)});
        // Even a manifest that agrees with the cut does not get it read.
        ShardEntry agreeing = entry;
        agreeing.bytes = size;
        agreeing.hash = hash_file(data / "s.h5");
        test::must_fail<InputError>([&] { open(agreeing); }, {"s.h5"});
    }
}

BOOST_AUTO_TEST_CASE(any_flipped_bit_is_found) {
    const test::ScratchFolder data("shard-flip");
    const ShardEntry entry = test::write_shard(data / "s.h5", 0, 20);
    const std::string bytes = test::read_bytes(data / "s.h5");
    for (std::size_t i = 0; i < 400; ++i) {
        std::string damaged = bytes;
        damaged[i * 7919 % bytes.size()] ^= static_cast<char>(1 << i % 8);
        test::write_file(data / "s.h5", damaged);
        test::must_fail<InputError>(
            [&] { ShardReader reader(data.path(), entry, test::sample_format()); },
            {"s.h5", "damaged", entry.hash.hex()});
    }
}

// Another file of the same size and shape moves in and out all the time.
BOOST_AUTO_TEST_CASE(a_shard_replaced_while_it_is_opened_is_refused_or_wholly_the_right_one) {
    const test::ScratchFolder data("shard-replaced");
    const ShardEntry entry = test::write_shard(data / "s.h5", 0, 22);
    BOOST_TEST(test::write_shard(data / "other", 22, 22).bytes == entry.bytes);
    std::filesystem::copy_file(data / "s.h5", data / "right");
    std::atomic<bool> is_over = false;
    std::thread replacer([&] {
        for (bool right = false; !is_over; right = !right) {
            std::filesystem::copy_file(data / (right ? "right" : "other"), data / "next");
            std::filesystem::rename(data / "next", data / "s.h5");
        }
    });
    int opened = 0;
    int refused = 0;
    int mixed = 0;
    std::vector<std::int32_t> tokens;
    const Stopwatch watch;
    while (watch.elapsed() < Seconds(1) ||
           ((opened == 0 || refused == 0) && watch.elapsed() < Seconds(60))) {
        try {
            const ShardReader reader(data.path(), entry, test::sample_format());
            reader.read_row(0, tokens);
            mixed += tokens == test::sample_row(0) ? 0 : 1;
            ++opened;
        } catch (const InputError&) {
            ++refused;
        }
    }
    is_over = true;
    replacer.join();
    BOOST_TEST(mixed == 0, mixed << " of " << opened << " opened shards were another file");
    BOOST_TEST(opened > 0);
    BOOST_TEST(refused > 0);
}

BOOST_AUTO_TEST_CASE(the_schema_is_checked) {
    Parts parts;
    parts.format_version = 1;
    opening_must_fail(parts, {"s.h5", "'format_version' is 1, this program reads 2",
                              "another version of hpml wrote the shard", "another --output"});
    parts = {};
    parts.vocabulary_hash = std::string(32, '0');
    opening_must_fail(parts, {"s.h5", "'vocabulary_hash'", std::string(32, '0'),
                              "does not belong to this manifest.json"});
    for (const std::int64_t first : {std::int64_t{-1}, std::numeric_limits<std::int64_t>::max()}) {
        parts = {};
        parts.first_document = first;
        opening_must_fail(parts, {"'first_document' is " + std::to_string(first)});
    }
    parts = {};
    parts.tokens.push_back(3);
    opening_must_fail(parts, {"'tokens' has 8 elements (expected 7"});
    parts = {};
    parts.offsets.pop_back();
    opening_must_fail(parts, {"'offsets' has 2 elements (expected 3"});
    parts = {};
    parts.documents.clear();
    opening_must_fail(parts, {"'documents' has 0 elements (expected 2"});
    parts = {};
    parts.with_documents = false;
    opening_must_fail(parts, {"'documents' is missing"});
    parts = {};
    parts.offsets = {0, 3, 6};
    opening_must_fail(parts, {"'offsets' runs from 0 to 6 (expected 0 to 7)"});
}

BOOST_AUTO_TEST_CASE(bad_tokens_are_named_by_shard_row_column_and_value) {
    Parts parts;
    parts.tokens[5] = 1000;
    reading_must_fail(parts, 1, {"s.h5", "row 1, column 2", "token id 1000", "ends at 999"});
    parts = {};
    parts.offsets = {0, 9, 7};
    reading_must_fail(parts, 0, {"s.h5", "row 0 goes from token 0 to 9"});
    reading_must_fail(parts, 1, {"s.h5", "row 1 goes from token 9 to 7"});
    parts.offsets = {0, 0, 7};
    reading_must_fail(parts, 0, {"s.h5", "row 0 goes from token 0 to 0"});
    parts.offsets = {0, -4, 7};
    reading_must_fail(parts, 1, {"s.h5", "row 1 goes from token -4 to 7"});
    parts = {};
    parts.documents[1] = -1;
    const test::ScratchFolder data("shard-document");
    const ShardEntry entry = publish(data / "s.h5", parts);
    const ShardReader reader(data.path(), entry, test::sample_format());
    BOOST_TEST(reader.document(0) == std::int64_t{1} << 40);
    test::must_fail<InputError>([&] { (void)reader.document(1); },
                                {"s.h5", "row 1", "document -1"});
}

BOOST_AUTO_TEST_CASE(a_whole_split_is_checked_row_by_row) {
    const test::ScratchFolder data("shard-split");
    auto manifest = test::write_corpus(data.path(), 20, 2);
    corpus::SplitReader(data.path(), manifest, corpus::Split::Train).check_all_rows();
    Parts parts;
    parts.tokens[1] = 5000;
    manifest.train[1] = publish(data / "train-1.h5", parts);
    const corpus::SplitReader spoilt(data.path(), manifest, corpus::Split::Train);
    test::must_fail<InputError>([&] { spoilt.check_all_rows(); },
                                {"train-1.h5", "row 0, column 1", "5000"});
}

BOOST_AUTO_TEST_CASE(all_missing_shards_are_listed_at_once) {
    const test::ScratchFolder data("shard-missing");
    const auto manifest = test::write_corpus(data.path(), 20, 3);
    std::filesystem::remove(data / "train-0.h5");
    std::filesystem::remove(data / "train-2.h5");
    std::filesystem::remove(data / "validation-0.h5");
    test::must_fail<MissingInputError>(
        [&] { corpus::SplitReader reader(data.path(), manifest, corpus::Split::Train); },
        {"3 of 4 shards", "train-0.h5, train-2.h5, validation-0.h5",
         "hpml_prepare again with the same settings, it makes all shards anew"});
}

BOOST_AUTO_TEST_CASE(a_link_in_place_of_a_shard_is_refused) {
    const test::ScratchFolder data("shard-link");
    const auto manifest = test::write_corpus(data.path(), 20, 1);
    std::filesystem::rename(data / "train-0.h5", data / "elsewhere.h5");
    std::filesystem::create_symlink(data / "elsewhere.h5", data / "train-0.h5");
    test::must_fail<InputError>([&] { corpus::check_shards_present(data.path(), manifest); },
                                {"train-0.h5", "not a regular file"});
}

BOOST_AUTO_TEST_CASE(pairs_come_back_and_impossible_ones_are_refused) {
    const test::ScratchFolder data("shard-pairs");
    corpus::ShardFormat format = test::sample_format();
    format.pairs = true;
    Parts parts;
    parts.first_parts = {0, 2};
    parts.next_sentence_labels = {0, 1};
    const ShardEntry entry = publish(data / "s.h5", parts);
    const ShardReader shard(data.path(), entry, format);
    BOOST_TEST(shard.pair(0).first_part == 0);
    BOOST_TEST(!shard.pair(0).is_random);
    BOOST_TEST(shard.pair(1).first_part == 2);
    BOOST_TEST(shard.pair(1).is_random);
    parts.first_parts = {3, 2};  // the first row has three tokens
    parts.next_sentence_labels = {0, 2};
    const ShardEntry bad = publish(data / "bad.h5", parts);
    const ShardReader spoilt(data.path(), bad, format);
    test::must_fail<InputError>([&] { (void)spoilt.pair(0); },
                                {"row 0 of 3 tokens", "from token 3"});
    test::must_fail<InputError>([&] { (void)spoilt.pair(1); }, {"row 1", "label 2"});
    const ShardEntry without = publish(data / "without.h5", Parts());
    test::must_fail<InputError>([&] { ShardReader reader(data.path(), without, format); },
                                {"first_parts"});
    parts.first_parts = {0};
    const ShardEntry shorter = publish(data / "short.h5", parts);
    test::must_fail<InputError>([&] { ShardReader reader(data.path(), shorter, format); },
                                {"first_parts", "1 elements (expected 2"});
}

BOOST_AUTO_TEST_SUITE_END()
