// Shards to the predecessors' files of masked rows and back, on several ranks.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "corpus/data_folder.h"
#include "corpus/export_masked.h"
#include "corpus/import_masked.h"
#include "corpus/loader.h"
#include "corpus/manifest.h"
#include "corpus/masked_folder.h"
#include "corpus/masked_rows.h"
#include "corpus/parallel/shared_folder.h"
#include "corpus/split_reader.h"
#include "support/data.h"
#include "support/text.h"

namespace hpml::corpus {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = fs::path(HPML_SOURCE_DIR) / "tests/golden";

/// A scratch folder that all ranks share.
struct Shared : test::SharedFolder {
    Shared() : SharedFolder("convert") {}

    [[nodiscard]] ImportOptions import_options(const fs::path& input,
                                               const std::string& output) const {
        ImportOptions options;
        options.input = input;
        options.output = folder / output;
        options.vocabulary = kGolden / "corpus/vocab.txt";
        options.sequences_per_shard = 5;
        return options;
    }
    [[nodiscard]] ExportOptions export_options(const std::string& output) const {
        ExportOptions options;
        options.input = kGolden / "corpus";
        options.output = folder / output;
        options.copies = 3;
        options.max_predictions = 4;
        return options;
    }
    /// The error's text and its exit code.
    template <class Options>
    std::pair<std::string, ExitCode> refusal(const Options& options) {
        try {
            if constexpr (std::is_same_v<Options, ImportOptions>) {
                (void)import_masked(options, world, log);
            } else {
                (void)export_masked(options, world, log);
            }
        } catch (const Error& error) {
            return {error.what(), error.code()};
        }
        return {"accepted", ExitCode::Finished};
    }
};

using test::contains;
using test::file_hashes;

using Rows = std::vector<std::vector<std::int32_t>>;

Rows rows_of(const fs::path& data, Split split) {
    const SplitReader reader(data, read_manifest(data), split);
    Rows rows(static_cast<std::size_t>(reader.rows()));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        reader.read_row(static_cast<std::int64_t>(i), rows[i]);
    }
    return rows;
}

BOOST_FIXTURE_TEST_SUITE(convert_corpus, Shared)

BOOST_AUTO_TEST_CASE(shards_to_masked_files_and_back_are_the_same_rows) {
    const ExportSummary written = export_masked(export_options("masked"), world, log);
    ImportOptions back = import_options(folder / "masked", "back");
    back.vocabulary.clear();
    const ImportSummary summary = import_masked(back, world, log);
    const Rows train = rows_of(kGolden / "corpus", Split::Train);
    const Rows validation = rows_of(kGolden / "corpus", Split::Validation);
    const bool is_same = rows_of(back.output, Split::Train) == train &&
                         rows_of(back.output, Split::Validation) == validation;
    world.barrier();
    BOOST_TEST(is_same);
    BOOST_TEST(written.files == 3 * 2 + 1);
    const auto rows = static_cast<std::int64_t>(train.size());
    BOOST_TEST(summary.stored_rows == 3 * rows + static_cast<std::int64_t>(validation.size()));
    BOOST_TEST(summary.duplicate_rows == 2 * rows);
    BOOST_TEST(summary.pair_rows == 0);
}

BOOST_AUTO_TEST_CASE(the_bytes_do_not_depend_on_the_number_of_ranks) {
    ExportOptions exported = export_options("masked");
    (void)export_masked(exported, world, log);
    ImportOptions imported = import_options(kGolden / "masked/academic-budget", "shards");
    (void)import_masked(imported, world, log);
    std::map<std::string, std::string> alone;
    std::map<std::string, std::string> together;
    if (world.is_root()) {
        together = file_hashes(exported.output);
        exported.output = folder / "masked-alone";
        (void)export_masked(exported, mpi::Communicator(), log);
        alone = file_hashes(exported.output);
        together.merge(file_hashes(imported.output));
        imported.output = folder / "shards-alone";
        (void)import_masked(imported, mpi::Communicator(), log);
        alone.merge(file_hashes(imported.output));
    }
    BOOST_TEST(alone.size() >= (world.is_root() ? 14u : 0u));
    BOOST_CHECK(alone == together);
}

BOOST_AUTO_TEST_CASE(copies_of_a_row_are_left_out_but_for_the_first) {
    const ImportOptions options = import_options(kGolden / "masked/academic-budget", "shards");
    const ImportSummary summary = import_masked(options, world, log);
    ImportOptions keep = import_options(kGolden / "masked/academic-budget", "kept");
    keep.duplicates = Duplicates::Keep;
    const ImportSummary kept = import_masked(keep, world, log);
    const Manifest manifest = read_manifest(options.output);
    world.barrier();
    BOOST_TEST(summary.stored_rows == 32);
    BOOST_TEST(summary.duplicate_rows == 14);
    BOOST_TEST(summary.rows == 18);
    BOOST_TEST(manifest.train_rows() == 14);
    BOOST_TEST(manifest.validation_rows() == 4);
    BOOST_TEST(manifest.train.size() == 3u);
    BOOST_TEST(manifest.unigram_entropy_nats > 3);
    BOOST_TEST(kept.rows == 32);
}

BOOST_AUTO_TEST_CASE(pairs_become_one_row_and_are_counted) {
    const ImportOptions options = import_options(kGolden / "masked/nvidia", "shards");
    const ImportSummary summary = import_masked(options, world, log);
    BOOST_TEST(summary.files == 3);
    BOOST_TEST(summary.rows == 13);
    BOOST_TEST(summary.pair_rows == 13);
    BOOST_TEST(summary.next_sentence_files == 3);
}

BOOST_AUTO_TEST_CASE(static_masks_are_those_of_a_run_with_the_same_seed) {
    ExportOptions options = export_options("masked");
    options.layout = MaskedLayout::Nvidia;
    options.name = "wiki";
    options.next_sentence_zeros = true;
    (void)export_masked(options, world, log);
    const Manifest manifest = read_manifest(options.input);
    LoaderOptions loading;
    loading.micro_batch = 1000;
    loading.seed = options.seed;
    loading.masking = masking_for(*read_tokenizer(options.input, manifest), MaskWhole::Tokens);
    loading.masking.max_predictions = options.max_predictions;
    const ValidationSet set(options.input, manifest, loading);
    const Batch batch = set.micro_batch(0);
    MaskedRowsReader reader(options.output / "wiki_test_0.hdf5");
    MaskedRow row;
    std::vector<std::int32_t> tokens;
    std::vector<std::int32_t> labels;
    while (reader.next(row)) {
        tokens.insert(tokens.end(), row.tokens.begin(), row.tokens.end());
        labels.insert(labels.end(), row.labels.begin(), row.labels.end());
    }
    const bool has_training = fs::exists(options.output / "wiki_training_5.hdf5");
    world.barrier();
    BOOST_TEST(has_training);
    BOOST_CHECK(tokens == batch.tokens);
    BOOST_CHECK(labels == batch.mlm_labels);
    BOOST_TEST(row.next_sentence.value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(a_second_start_finds_all_done_or_what_differs) {
    ExportOptions exported = export_options("masked");
    ImportOptions imported = import_options(kGolden / "masked/academic-budget", "shards");
    (void)export_masked(exported, world, log);
    (void)import_masked(imported, world, log);
    BOOST_TEST(export_masked(exported, world, log).was_complete);
    BOOST_TEST(import_masked(imported, world, log).was_complete);
    exported.seed = 7;
    imported.sequences_per_shard = 6;
    const auto first = refusal(exported);
    const auto second = refusal(imported);
    BOOST_TEST((first.second == ExitCode::Mismatch && contains(first.first, "seed")));
    BOOST_TEST(
        (second.second == ExitCode::Mismatch && contains(second.first, "sequences-per-shard")));
}

BOOST_AUTO_TEST_CASE(an_interrupted_export_goes_on_from_its_finished_files) {
    const ExportOptions options = export_options("masked");
    (void)export_masked(options, world, log);
    std::map<std::string, std::string> before;
    if (world.is_root()) {
        // As a run leaves it that was killed before its last file but one was published.
        before = file_hashes(options.output);
        const Json record = read_json(options.output / "convert.json");
        fs::remove(options.output / "convert.json");
        fs::create_directory(options.output / ".work");
        write_json(options.output / ".work/convert.json", Json{{"settings", record["settings"]}});
        for (std::size_t i = 0; i + 2 < record["files"].size(); ++i) {
            const auto name = record["files"][i]["name"].get<std::string>();
            write_json(options.output / ".work" / (name + ".json"), record["files"][i]);
        }
        test::write_file(options.output / "train_shard_1.hdf5", "damaged");
    }
    world.barrier();
    const ExportSummary summary = export_masked(options, world, log);
    const auto after = world.is_root() ? file_hashes(options.output) : before;
    BOOST_TEST(summary.reused == 4);
    BOOST_CHECK(before == after);
}

BOOST_AUTO_TEST_CASE(what_does_not_belong_together_is_refused) {
    ImportOptions options = import_options(kGolden / "masked/academic-budget", "shards");
    if (world.is_root()) {
        std::string words;
        for (const char* word : {"[CLS]", "[PAD]", "[UNK]", "[SEP]", "[MASK]"}) {
            words += std::string(word) + "\n";
        }
        for (int i = 0; i < 300; ++i) {
            words += "word" + std::to_string(i) + "\n";
        }
        test::write_file(folder / "other.txt", words);
        test::write_file(folder / "short.txt", words.substr(0, 60));
        fs::create_directory(folder / "mixed");
        fs::copy(kGolden / "masked/academic-budget/train_shard_0.hdf5", folder / "mixed");
    }
    world.barrier();
    options.vocabulary = folder / "other.txt";
    const auto special = refusal(options);
    options.vocabulary = folder / "short.txt";
    options.output = folder / "shards2";
    const auto outside = refusal(options);
    options.input = folder / "mixed";
    const auto split = refusal(options);
    BOOST_TEST((special.second == ExitCode::Input && contains(special.first, "[CLS]")));
    BOOST_TEST((outside.second == ExitCode::Input && contains(outside.first, "column")));
    BOOST_TEST((split.second == ExitCode::Input && contains(split.first, "no test file")));
}

BOOST_AUTO_TEST_CASE(a_folder_of_masked_rows_looks_the_same_on_all_ranks) {
    const auto tokenizer = load_row_tokenizer(kGolden / "corpus/vocab.txt", text::CaseChoice::Auto);
    const fs::path data = kGolden / "masked/academic-budget";
    const bool is_masked = is_masked_folder(data, world);
    const Manifest together = read_masked_folder(data, *tokenizer, world);
    const Manifest alone = read_masked_folder(data, *tokenizer, mpi::Communicator());
    BOOST_TEST(is_masked);
    BOOST_TEST(together.digest().hex() == alone.digest().hex());
    BOOST_TEST(together.train_rows() == 28);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::corpus
