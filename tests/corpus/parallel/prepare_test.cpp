#include "corpus/prepare.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "corpus/manifest.h"
#include "corpus/parallel/shared_folder.h"
#include "corpus/prepare_lock.h"
#include "corpus/prepare_piece.h"
#include "corpus/prepare_settings.h"
#include "corpus/prepare_shards.h"
#include "corpus/shard.h"
#include "support/data.h"
#include "support/text.h"

namespace hpml::corpus {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = HPML_SOURCE_DIR;

/// A scratch folder that all ranks share, and options that prepare the sample into it.
struct Shared : test::SharedFolder {
    PrepareOptions options;

    Shared() : SharedFolder("prepare") {
        options.inputs = {kSource / "data/sample/corpus"};
        options.vocabulary = kSource / "data/sample/vocab.txt";
        options.output = folder / "out";
        options.sequence_lengths = {32};
        options.sequences_per_shard = 300;
        options.validation_fraction = 0.05;
    }

    /// Input made by rank 0 alone.
    void write_input(const std::string& text) {
        if (world.is_root()) {
            test::write_file(folder / "input.txt", text);
        }
        world.barrier();
        options.inputs = {folder / "input.txt"};
    }
    PrepareSummary run() { return prepare(options, world, log); }
    /// The error's text and its exit code.
    std::pair<std::string, ExitCode> refusal() {
        try {
            (void)run();
        } catch (const Error& error) {
            return {error.what(), error.code()};
        }
        return {"accepted", ExitCode::Finished};
    }
};

using test::contains;
using test::file_hashes;

BOOST_FIXTURE_TEST_SUITE(prepare_corpus, Shared)

BOOST_AUTO_TEST_CASE(the_bytes_do_not_depend_on_the_number_of_ranks) {
    const PrepareSummary summary = run();
    std::map<std::string, std::string> alone;
    std::map<std::string, std::string> together;
    if (world.is_root()) {
        PrepareOptions single = options;
        single.output = folder / "single";
        (void)prepare(single, mpi::Communicator(), log);
        alone = file_hashes(folder / "single");
        together = file_hashes(folder / "out");
    }
    BOOST_TEST(summary.documents == 90);
    BOOST_TEST(summary.corpora.front().shards >= 5);
    BOOST_TEST(
        alone.size() ==
        (world.is_root() ? static_cast<std::size_t>(summary.corpora.front().shards) + 5 : 0));
    BOOST_CHECK(alone == together);
}

BOOST_AUTO_TEST_CASE(rows_hold_every_token_of_every_document_once) {
    (void)run();
    const Manifest manifest = read_manifest(options.output);
    const auto tokenizer = text::load_tokenizer(options.vocabulary, options.letter_case);
    std::map<std::int64_t, std::vector<std::int32_t>> stored;
    std::map<std::int64_t, bool> is_validation;
    for (const auto* split : {&manifest.train, &manifest.validation}) {
        for (const ShardEntry& entry : *split) {
            const ShardReader shard(options.output, entry, shard_format(manifest));
            std::vector<std::int32_t> row;
            for (std::int64_t i = 0; i < shard.rows(); ++i) {
                shard.read_row(i, row);
                BOOST_REQUIRE(row.size() >= 3u);
                BOOST_REQUIRE(row.size() <= 32u);
                BOOST_REQUIRE(row.front() == tokenizer->special().cls);
                BOOST_REQUIRE(row.back() == tokenizer->special().sep);
                const std::int64_t number = shard.document(i);
                stored[number].insert(stored[number].end(), row.begin() + 1, row.end() - 1);
                const bool here = split == &manifest.validation;
                BOOST_REQUIRE(is_validation.emplace(number, here).first->second == here);
            }
        }
    }
    std::int64_t number = 0;
    for (const char* name : {"AA/wiki_00", "AA/wiki_01", "AA/wiki_02"}) {
        const text::DocumentFile file(options.inputs[0] / name, options.documents);
        const auto reader = file.open();
        text::Document document;
        for (; reader->next(document); ++number) {
            std::vector<std::int32_t> ids;
            tokenizer->encode(document.text, ids);
            BOOST_CHECK_MESSAGE(stored[number] == ids, "document " << number << " differs");
        }
    }
    BOOST_TEST(static_cast<std::int64_t>(stored.size()) == number);
    BOOST_TEST(manifest.validation_documents > 0);
    BOOST_TEST(manifest.validation_documents < 20);
}

BOOST_AUTO_TEST_CASE(the_entropy_is_that_of_the_training_tokens) {
    // "a" four times, "b" twice, "c" twice in the split that does not hold "of".
    write_input("of of\n\na a a a b b c c\n");
    std::int64_t seed = 0;
    PrepareSummary summary;
    do {  // the split is by hash: try seeds until "of" is the validation document
        options.seed = static_cast<std::uint64_t>(++seed);
        options.output = folder / ("out" + std::to_string(seed));
        summary = run();
    } while (read_manifest(options.output).validation_tokens != 4 && seed < 50);
    BOOST_TEST(summary.validation_documents == 1);
    BOOST_TEST(summary.unigram_entropy_nats == 1.5 * std::log(2.0),
               boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(a_second_run_finds_all_there) {
    (void)run();
    const auto before = world.is_root() ? fs::last_write_time(options.output / "train-00000.h5")
                                        : fs::file_time_type();
    const PrepareSummary again = run();
    BOOST_TEST(again.was_complete);
    BOOST_TEST(again.documents == 90);
    if (world.is_root()) {
        BOOST_CHECK(fs::last_write_time(options.output / "train-00000.h5") == before);
    }
}

BOOST_AUTO_TEST_CASE(content_is_read_again_only_if_size_or_times_differ) {
    write_input("one\n\ntwo\n\nthree\n");
    (void)run();
    const auto list = [&] { return list_inputs(options.inputs, options.output, world); };
    const Digest stamp = input_stamp(list());
    const Digest content = input_content(list(), world);
    BOOST_CHECK(known_content(options.output, stamp) == content);
    world.barrier();
    write_input("one\n\ntwo\n\nthree\n");
    BOOST_CHECK(input_stamp(list()) != stamp);
    BOOST_CHECK(!known_content(options.output, input_stamp(list())));
    BOOST_CHECK(input_content(list(), world) == content);
    BOOST_TEST(run().was_complete);
    BOOST_CHECK(known_content(options.output, input_stamp(list())) == content);
}

BOOST_AUTO_TEST_CASE(another_text_of_the_same_size_is_refused) {
    write_input("one\n\ntwo\n\nthree\n");
    (void)run();
    write_input("one\n\nsix\n\nthree\n");
    const auto [message, code] = refusal();
    BOOST_CHECK(code == ExitCode::Mismatch);
    BOOST_TEST(contains(message, "input content xxh3_128"), message);
    BOOST_TEST(!contains(message, "input bytes"), message);
}

BOOST_AUTO_TEST_CASE(the_content_hash_does_not_depend_on_the_number_of_ranks) {
    const auto inputs = list_inputs(options.inputs, options.output, world);
    BOOST_TEST(inputs.size() == 3U);
    BOOST_CHECK(input_content(inputs, world) == input_content(inputs, mpi::Communicator()));
}

BOOST_AUTO_TEST_CASE(a_second_preparation_of_the_same_folder_is_refused_with_the_holders_name) {
    std::optional<PrepareLock> other;
    if (world.is_root()) {
        fs::create_directories(options.output);
        other.emplace(options.output);
    }
    const auto [message, code] = refusal();
    BOOST_CHECK(code == ExitCode::Output);
    BOOST_TEST(contains(message, "is being prepared by process "), message);
    if (world.is_root()) {
        BOOST_TEST(contains(message, "process " + std::to_string(::getpid()) + " on "), message);
        BOOST_TEST(!fs::exists(options.output / "prepare.json"));
    }
    other.reset();
    world.barrier();
    BOOST_TEST(!run().was_complete);
    other.reset();
    if (world.is_root()) {
        other.emplace(options.output);
    }
    BOOST_TEST(run().was_complete, "what is finished can be looked at under the lock");
}

BOOST_AUTO_TEST_CASE(what_killed_runs_left_is_removed_and_nothing_else) {
    const std::vector<std::string> leftovers{"train-00003.h5.tmp-12",
                                             "validation-00000.h5.tmp-9",
                                             "manifest.json.tmp-1",
                                             "vocab.txt.tmp-77777",
                                             ".work/piece-000000.tmp-4",
                                             ".work/piece-000001.json.tmp-4",
                                             ".work/train-00003.h5.json.tmp-4"};
    const std::vector<std::string> others{"notes.txt.tmp-12", "train-00003.h5.tmp-",
                                          "train-x.h5.tmp-12", "train-00003.h5.tmp-12a",
                                          "mytrain-00003.h5.tmp-12"};
    if (world.is_root()) {
        fs::create_directories(options.output / ".work");
        for (const auto* names : {&leftovers, &others}) {
            for (const std::string& name : *names) {
                test::write_file(options.output / name, "cut off");
            }
        }
        PrepareLock lock(options.output);
        BOOST_TEST(lock.remove_leftovers(folder / "out") +
                       lock.remove_leftovers(folder / "out/.work") ==
                   static_cast<int>(leftovers.size()));
        for (const std::string& name : others) {
            BOOST_TEST(fs::exists(options.output / name), name);
        }
        test::write_file(options.output / leftovers.front(), "cut off");
    }
    world.barrier();
    (void)run();
    BOOST_TEST(!fs::exists(options.output / leftovers.front()));
}

BOOST_AUTO_TEST_CASE(scratch_left_by_a_kill_after_the_manifest_is_removed) {
    (void)run();
    if (world.is_root()) {
        fs::create_directories(options.output / ".work");
        test::write_file(options.output / ".work/piece-000000", "left");
        test::write_file(options.output / "prepare.lock", "process 1 on nowhere");
    }
    world.barrier();
    BOOST_TEST(run().was_complete);
    if (world.is_root()) {
        BOOST_TEST(!fs::exists(options.output / ".work"));
        BOOST_TEST(fs::file_size(options.output / "prepare.lock") == 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_missing_shard_is_made_again) {
    (void)run();
    Digest before;
    if (world.is_root()) {
        before = hash_file(options.output / "train-00000.h5");
        fs::remove(options.output / "train-00000.h5");
    }
    world.barrier();
    BOOST_TEST(!run().was_complete);
    if (world.is_root()) {
        BOOST_CHECK(hash_file(options.output / "train-00000.h5") == before);
    }
}

BOOST_AUTO_TEST_CASE(other_settings_are_refused_with_what_differs) {
    (void)run();
    options.seed = 7;
    options.letter_case = text::CaseChoice::Keep;
    const auto [message, code] = refusal();
    BOOST_CHECK(code == ExitCode::Mismatch);
    BOOST_TEST(contains(message, "seed                 there: 42   now: 7"), message);
    BOOST_TEST(contains(message, "lower-case           there: true   now: false"), message);
    BOOST_TEST(!contains(message, "sequence-length"), message);
}

BOOST_AUTO_TEST_CASE(documents_without_text_are_counted_and_left_out) {
    write_input("one\n\n\x01\x02\n\ntwo\n");
    const PrepareSummary summary = run();
    BOOST_TEST(summary.documents == 2);
    BOOST_TEST(summary.empty_documents == 1);
}

BOOST_AUTO_TEST_CASE(bad_inputs_are_refused_by_every_rank_alike) {
    write_input("only one\n");
    BOOST_TEST(contains(refusal().first, "one document only"));
    options.output = folder / "out2";
    write_input("\n\n");
    BOOST_TEST(contains(refusal().first, "holds no text"));
    options.inputs = {folder / "absent"};
    BOOST_CHECK(refusal().second == ExitCode::MissingInput);
    options.inputs = {folder};
    BOOST_TEST(contains(refusal().first, "lies inside --input"));
    options.inputs = {folder / "input.txt", folder / "." / "input.txt"};
    BOOST_TEST(contains(refusal().first, "twice"));
    options.vocabulary = folder / "input.txt";
    BOOST_CHECK(refusal().second == ExitCode::Input);
}

BOOST_AUTO_TEST_CASE(folders_and_files_behind_links_are_part_of_the_corpus) {
    const fs::path input = folder / "linked";
    if (world.is_root()) {
        fs::create_directories(input / "AA");
        fs::create_directories(folder / "disk/deep");
        test::write_file(input / "AA/wiki_00", "one\n\ntwo\n");
        test::write_file(folder / "disk/wiki_00", "three\n\nfour\n");
        test::write_file(folder / "disk/deep/wiki_01", "five\n");
        test::write_file(folder / "wiki_02", "six\n");
        fs::create_directory_symlink(folder / "disk", input / "AB");
        fs::create_symlink(folder / "wiki_02", input / "AA/wiki_02");
        fs::create_symlink(folder / "absent", input / ".hidden");
    }
    world.barrier();
    options.inputs = {input};
    std::vector<std::string> names;
    for (const InputEntry& entry : list_inputs(options.inputs, options.output, world)) {
        names.push_back(entry.name);
    }
    BOOST_TEST(names == (std::vector<std::string>{"AA/wiki_00", "AA/wiki_02", "AB/deep/wiki_01",
                                                  "AB/wiki_00"}),
               boost::test_tools::per_element());
    BOOST_TEST(run().documents == 6);
}

BOOST_AUTO_TEST_CASE(a_link_that_goes_in_a_circle_or_nowhere_is_refused_by_its_name) {
    const fs::path input = folder / "circles";
    if (world.is_root()) {
        for (const char* name :
             {"up", "self", "across/b", "other", "nowhere", "output", "twice/a"}) {
            fs::create_directories(input / name);
        }
        fs::create_directories(folder / "out");
        test::write_file(folder / "out/text", "one\n");
        test::write_file(input / "twice/a/text", "one\n");
        fs::create_directory_symlink(input, input / "up/link");
        fs::create_directory_symlink(".", input / "self/link");
        fs::create_directory_symlink(input / "other", input / "across/b/link");
        fs::create_directory_symlink(input / "across/b", input / "other/back");
        fs::create_symlink(folder / "absent", input / "nowhere/link");
        fs::create_directory_symlink(folder / "out", input / "output/link");
        fs::create_directory_symlink("a", input / "twice/b");
    }
    world.barrier();
    const auto refused = [&](const std::string& name) {
        options.inputs = {input / name};
        return refusal();
    };
    for (const char* name : {"up", "self"}) {
        const auto [message, code] = refused(name);
        BOOST_CHECK(code == ExitCode::Input);
        BOOST_TEST(
            contains(message, "the link " + (input / name / "link").string() + " leads back to "),
            message);
    }
    const auto [across, across_code] = refused("across");
    BOOST_CHECK(across_code == ExitCode::Input);
    BOOST_TEST(contains(across, "across/b/link/back leads back to "), across);
    const auto [nowhere, nowhere_code] = refused("nowhere");
    BOOST_CHECK(nowhere_code == ExitCode::MissingInput);
    BOOST_TEST(contains(nowhere, "nowhere/link leads to "), nowhere);
    BOOST_TEST(contains(refused("output").first, "lies inside --input"));
    BOOST_TEST(contains(refused("twice").first, "twice (its documents would count double)"));
}

BOOST_AUTO_TEST_CASE(a_finished_piece_is_used_again_and_a_damaged_one_is_not) {
    const auto tokenizer = text::load_tokenizer(options.vocabulary, options.letter_case);
    test::write_file(own / "in", "one river\n\ntwo rivers\n");
    const PieceTask task{{own / "in", "in", Bytes(22)}, {}, own / "piece", 1, {1, 2}};
    const text::DocumentFile file(own / "in", {});
    PieceSummary found;
    BOOST_TEST(!find_piece(task, found));
    const PieceSummary made = make_piece(task, file, {*tokenizer, nullptr}, [](Bytes) {});
    BOOST_REQUIRE(find_piece(task, found));
    BOOST_TEST(found.documents == 2);
    BOOST_TEST(found.least_draw == made.least_draw);
    PieceTask other = task;
    other.settings = {1, 3};
    BOOST_TEST(!find_piece(other, found));
    std::fstream(own / "piece", std::ios::in | std::ios::out | std::ios::binary).put('x');
    BOOST_TEST(!find_piece(task, found));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::corpus
