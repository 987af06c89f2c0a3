#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

#include "base/error.h"
#include "corpus/manifest.h"
#include "corpus/parallel/shared_folder.h"
#include "corpus/prepare.h"
#include "corpus/shard.h"

namespace hpml::corpus {
namespace {

namespace fs = std::filesystem;

using Row = std::vector<std::int32_t>;

/// The rows of a data folder's splits, in their order.
struct Rows {
    std::vector<Row> train;
    std::vector<Row> validation;
};

struct Shared : test::SharedFolder {
    PrepareOptions options;

    Shared() : SharedFolder("prepare-order") {
        const fs::path source = HPML_SOURCE_DIR;
        options.inputs = {source / "data/sample/corpus"};
        options.vocabulary = source / "data/sample/vocab.txt";
        options.sequence_lengths = {64};
        options.sequences_per_shard = 300;
        options.validation_fraction = 0.2;
    }
    PrepareSummary run(const std::string& name) {
        options.output = folder / name;
        return prepare(options, world, log);
    }
    /// Documents of one row each, told apart by the words' letters, in files of these names.
    void write_documents(const std::map<std::string, std::vector<int>>& files) {
        if (world.is_root()) {
            fs::remove_all(folder / "in");
            fs::create_directories(folder / "in");
            for (const auto& [name, numbers] : files) {
                std::string text;
                for (const int number : numbers) {
                    text += "the river";
                    for (const char digit : std::to_string(number)) {
                        text += std::string(" ") + static_cast<char>('a' + (digit - '0'));
                    }
                    text += "\n\n";
                }
                test::write_file(folder / "in" / name, text);
            }
        }
        world.barrier();
        options.inputs = {folder / "in"};
    }
    [[nodiscard]] Rows rows() const {
        const Manifest manifest = read_manifest(options.output);
        Rows rows;
        for (const bool validation : {false, true}) {
            for (const ShardEntry& entry : validation ? manifest.validation : manifest.train) {
                const ShardReader shard(options.output, entry, shard_format(manifest));
                for (std::int64_t i = 0; i < shard.rows(); ++i) {
                    shard.read_row(i, (validation ? rows.validation : rows.train).emplace_back());
                }
            }
        }
        world.barrier();
        return rows;
    }
};

std::vector<int> numbers(int begin, int end) {
    std::vector<int> all;
    for (int i = begin; i < end; ++i) {
        all.push_back(i);
    }
    return all;
}

BOOST_FIXTURE_TEST_SUITE(prepare_order_suite, Shared)

BOOST_AUTO_TEST_CASE(shuffled_bytes_do_not_depend_on_ranks_and_parts) {
    options.shuffle = true;
    options.duplicates = DuplicateDocuments::Near;
    (void)run("out");
    options.part_kibibytes = 16;
    (void)run("parts");
    if (world.is_root()) {
        PrepareOptions single = options;
        single.output = folder / "single";
        (void)prepare(single, mpi::Communicator(), log);
        BOOST_CHECK(test::file_hashes(folder / "out") == test::file_hashes(folder / "parts"));
        BOOST_CHECK(test::file_hashes(folder / "out") == test::file_hashes(folder / "single"));
        BOOST_TEST(!fs::exists(folder / "out/.work"));
    }
}

BOOST_AUTO_TEST_CASE(the_order_does_not_depend_on_how_documents_are_spread_over_files) {
    options.shuffle = true;
    write_documents({{"a", numbers(0, 400)}});
    (void)run("one");
    const Rows one = rows();
    std::vector<int> back = numbers(0, 150);
    std::ranges::reverse(back);
    write_documents({{"a", numbers(150, 151)}, {"b", numbers(151, 400)}, {"c", back}});
    (void)run("three");
    const Rows three = rows();
    BOOST_CHECK(one.train == three.train);
    BOOST_CHECK(one.validation == three.validation);
    options.shuffle = false;
    (void)run("stored");
    Rows stored = rows();
    BOOST_CHECK(stored.train != one.train);
    Rows sorted = one;
    for (auto* split : {&stored.train, &stored.validation, &sorted.train, &sorted.validation}) {
        std::ranges::sort(*split);
    }
    BOOST_CHECK(stored.train == sorted.train);
    BOOST_CHECK(stored.validation == sorted.validation);
}

BOOST_AUTO_TEST_CASE(a_document_keeps_its_split_when_the_corpus_grows) {
    for (const bool shuffle : {false, true}) {
        options.shuffle = shuffle;
        write_documents({{"b", numbers(100, 200)}});
        (void)run("small" + std::to_string(shuffle));
        const Rows small = rows();
        write_documents({{"a", numbers(300, 900)}, {"b", numbers(0, 200)}});
        (void)run("large" + std::to_string(shuffle));
        const Rows large = rows();
        BOOST_TEST(small.validation.size() > 5U);
        BOOST_TEST(large.validation.size() > small.validation.size());
        BOOST_TEST(small.train.size() + small.validation.size() == 100U);
        const std::set<Row> train(large.train.begin(), large.train.end());
        const std::set<Row> validation(large.validation.begin(), large.validation.end());
        BOOST_TEST(train.size() + validation.size() == 800U);
        for (const Row& row : small.train) {
            BOOST_TEST_REQUIRE(train.contains(row));
        }
        for (const Row& row : small.validation) {
            BOOST_TEST_REQUIRE(validation.contains(row));
        }
    }
}

BOOST_AUTO_TEST_CASE(each_split_gets_a_document_whatever_the_fraction) {
    write_documents({{"a", {1, 2, 3}}});
    for (const double fraction : {0.0, 1e-9, 0.999999999}) {
        options.validation_fraction = fraction;
        const PrepareSummary summary =
            run("out-" + std::to_string(fraction) + std::to_string(fraction > 0));
        BOOST_TEST(summary.documents == 3);
        BOOST_TEST(summary.validation_documents == (fraction > 0.5 ? 2 : 1));
    }
}

BOOST_AUTO_TEST_CASE(duplicates_are_left_out_and_counted) {
    std::vector<int> twice = numbers(0, 100);
    twice.push_back(50);
    twice.push_back(50);
    write_documents({{"a", twice}, {"b", {7, 100}}});
    const PrepareSummary keep = run("keep");
    BOOST_TEST(keep.documents == 104);
    options.duplicates = DuplicateDocuments::Exact;
    const PrepareSummary exact = run("exact");
    BOOST_TEST(exact.documents == 101);
    BOOST_TEST(exact.exact_duplicates == 3);
    BOOST_TEST(exact.near_duplicates == 0);
    BOOST_TEST(read_manifest(options.output).exact_duplicates == 3);
    const PrepareSummary again = run("exact");
    BOOST_TEST(again.was_complete);
    BOOST_TEST(again.exact_duplicates == 3);
    BOOST_TEST(rows().train.size() + rows().validation.size() == 101U);
    options.output = folder / "keep";
    options.shuffle = true;
    std::string refusal;
    try {
        (void)prepare(options, world, log);
    } catch (const Error& error) {
        refusal = error.what();
    }
    BOOST_TEST(refusal.find("there: \"keep\"   now: \"exact\"") != std::string::npos, refusal);
    BOOST_TEST(refusal.find("shuffle              there: false   now: true") != std::string::npos,
               refusal);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::corpus
