#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "corpus/export_masked.h"
#include "corpus/import_masked.h"
#include "corpus/loader.h"
#include "corpus/manifest.h"
#include "corpus/parallel/shared_folder.h"
#include "corpus/prepare.h"
#include "corpus/shard.h"
#include "support/text.h"

namespace hpml::corpus {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = HPML_SOURCE_DIR;

/// Two files of short documents, so many that some begin blocks in the middle of files.
struct Shared : test::SharedFolder {
    PrepareOptions options;

    Shared() : SharedFolder("packing") {
        if (world.is_root()) {
            make_folders(folder / "in");
            for (int file = 0; file < 2; ++file) {
                std::string text;
                for (int i = 0; i < 900; ++i) {
                    const std::string number = std::to_string(1000 * file + i);
                    text += "River " + number + " is long. Its water is cold, and " + number +
                            " boats go on it! Who owns them?\n\n";
                }
                test::write_file(folder / "in" / ("part" + std::to_string(file)), text);
            }
        }
        world.barrier();
        options.inputs = {folder / "in"};
        options.vocabulary = kSource / "data/sample/vocab.txt";
        options.output = folder / "out";
        options.sequence_lengths = {64};
        options.sequences_per_shard = 200;
        options.validation_fraction = 0.1;
        options.part_kibibytes = 7;  // some fifteen pieces a file
    }
};

using test::contains;
using test::file_hashes;

BOOST_FIXTURE_TEST_SUITE(prepare_packing, Shared)

BOOST_AUTO_TEST_CASE(the_bytes_depend_neither_on_ranks_nor_on_parts) {
    for (const Pack pack : {Pack::Sentences, Pack::Full, Pack::Pairs}) {
        options.pack = pack;
        options.output = folder / name_of(pack);
        const PrepareSummary summary = prepare(options, world, log);
        BOOST_TEST(summary.documents == 1800);
        if (world.is_root()) {
            PrepareOptions single = options;
            single.output = folder / "single" / name_of(pack);
            single.part_kibibytes = 0;
            (void)prepare(single, mpi::Communicator(), log);
            BOOST_CHECK(file_hashes(single.output) == file_hashes(options.output));
        }
    }
}

BOOST_AUTO_TEST_CASE(full_rows_hold_every_token_once_in_order_and_few_rows_are_short) {
    options.pack = Pack::Full;
    (void)prepare(options, world, log);
    options.pack = Pack::Documents;
    options.output = folder / "documents";
    (void)prepare(options, world, log);
    if (!world.is_root()) {
        return;
    }
    std::map<std::string, std::vector<std::int32_t>> content;
    std::int64_t rows = 0;
    std::int64_t tokens = 0;
    for (const char* name : {"out", "documents"}) {
        const Manifest manifest = read_manifest(folder / name);
        const auto tokenizer = text::load_tokenizer(options.vocabulary, options.letter_case);
        for (const ShardEntry& entry : manifest.train) {
            const ShardReader shard(folder / name, entry, shard_format(manifest));
            std::vector<std::int32_t> row;
            for (std::int64_t i = 0; i < shard.rows(); ++i) {
                shard.read_row(i, row);
                for (const std::int32_t id : row) {
                    if (!tokenizer->special().contains(id)) {
                        content[name].push_back(id);
                    }
                }
                rows += name == std::string("out") ? 1 : 0;
                tokens += name == std::string("out") ? static_cast<std::int64_t>(row.size()) : 0;
            }
        }
    }
    BOOST_TEST(content["out"].size() > 20000);
    BOOST_CHECK(content["out"] == content["documents"]);
    // A sentence less than full, and a short row at the end of a block.
    BOOST_TEST(static_cast<double>(tokens) / static_cast<double>(rows) > 50);
}

/// Rows of the training split with what is said of their parts.
std::vector<std::pair<std::vector<std::int32_t>, std::int64_t>> pair_rows(const fs::path& data) {
    const Manifest manifest = read_manifest(data);
    BOOST_REQUIRE(manifest.pairs);
    std::vector<std::pair<std::vector<std::int32_t>, std::int64_t>> rows;
    for (const ShardEntry& entry : manifest.train) {
        const ShardReader shard(data, entry, shard_format(manifest));
        for (std::int64_t i = 0; i < shard.rows(); ++i) {
            const RowPair pair = shard.pair(i);
            rows.push_back({{}, pair.is_random ? -pair.first_part : pair.first_part});
            shard.read_row(i, rows.back().first);
        }
    }
    return rows;
}

BOOST_AUTO_TEST_CASE(pairs_go_to_nvidias_files_and_back) {
    options.pack = Pack::Pairs;
    (void)prepare(options, world, log);
    ExportOptions masked;
    masked.input = options.output;
    masked.output = folder / "nvidia";
    masked.layout = MaskedLayout::Nvidia;
    masked.copies = 1;
    (void)export_masked(masked, world, log);
    ImportOptions back;
    back.input = masked.output;
    back.output = folder / "back";
    back.duplicates = Duplicates::Keep;  // some of these rows are equal
    const ImportSummary summary = import_masked(back, world, log);
    BOOST_TEST(summary.has_pairs);
    if (world.is_root()) {
        // The files come back in the order of their names.
        auto rows = pair_rows(options.output);
        auto returned = pair_rows(back.output);
        std::ranges::sort(rows);
        std::ranges::sort(returned);
        const auto random =
            std::ranges::count_if(rows, [](const auto& row) { return row.second < 0; });
        BOOST_TEST(rows.size() > 300);
        BOOST_TEST(static_cast<std::size_t>(random) > rows.size() / 3);
        BOOST_TEST(returned.size() == rows.size());
        BOOST_CHECK(returned == rows);
    }
}

BOOST_AUTO_TEST_CASE(the_loader_gives_pairs_their_token_types_and_labels) {
    options.pack = Pack::Pairs;
    (void)prepare(options, world, log);
    if (!world.is_root()) {
        return;
    }
    const Manifest manifest = read_manifest(options.output);
    const auto tokenizer = text::load_tokenizer(options.vocabulary, options.letter_case);
    const auto rows = pair_rows(options.output);
    LoaderOptions chosen;
    chosen.global_batch = 64;
    chosen.masking = masking_for(*tokenizer, MaskWhole::Tokens);
    Loader loader(options.output, manifest, chosen);
    for (int i = 0; i < 4; ++i) {
        const Batch& batch = loader.next();
        BOOST_REQUIRE(batch.targets.size() == batch.sequences());
        for (std::size_t row = 0; row < batch.sequences(); ++row) {
            const std::int64_t said = rows[static_cast<std::size_t>(batch.samples[row])].second;
            BOOST_TEST(batch.targets[row] == (said < 0 ? 1.0F : 0.0F));
            const auto begin = batch.segments.begin() + batch.cu_seqlens[row];
            const auto end = batch.segments.begin() + batch.cu_seqlens[row + 1];
            BOOST_TEST(std::count(begin, end, 0) == std::abs(said));
            BOOST_TEST(std::is_sorted(begin, end));
        }
    }
}

BOOST_AUTO_TEST_CASE(several_lengths_are_what_each_alone_is) {
    options.pack = Pack::Sentences;
    options.short_sequences = 0.1;
    options.sequence_lengths = {16, 64};
    const PrepareSummary summary = prepare(options, world, log);
    BOOST_REQUIRE(summary.corpora.size() == 2);
    BOOST_TEST(summary.corpora[0].rows > summary.corpora[1].rows);
    BOOST_TEST(prepare(options, world, log).was_complete);
    for (const std::int64_t length : {16, 64}) {
        PrepareOptions alone = options;
        alone.sequence_lengths = {length};
        alone.output = folder / "alone" / std::to_string(length);
        (void)prepare(alone, world, log);
        if (world.is_root()) {
            auto together = file_hashes(options.output / std::to_string(length));
            auto single = file_hashes(alone.output);
            single.erase("prepare.lock");
            BOOST_CHECK(together == single);
        }
    }
    BOOST_TEST(!fs::exists(options.output / ".work"));
}

BOOST_AUTO_TEST_CASE(a_length_that_is_finished_is_not_made_again) {
    options.sequence_lengths = {16, 64};
    (void)prepare(options, world, log);
    const fs::path kept = options.output / "16/train-00000.h5";
    const fs::path lost = options.output / "64/manifest.json";
    const auto written = fs::last_write_time(kept);
    std::map<std::string, std::string> before;
    world.barrier();
    if (world.is_root()) {
        before = file_hashes(options.output / "64");
        fs::remove(lost);
    }
    world.barrier();
    BOOST_TEST(!prepare(options, world, log).was_complete);
    if (world.is_root()) {
        BOOST_CHECK(file_hashes(options.output / "64") == before);
    }
    BOOST_CHECK(fs::last_write_time(kept) == written);
}

BOOST_AUTO_TEST_CASE(what_lengths_cannot_be_is_told) {
    const auto refusal = [&] {
        try {
            (void)prepare(options, world, log);
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string("accepted");
    };
    options.sequence_lengths = {64, 64};
    BOOST_TEST(contains(refusal(), "names a length twice"));
    options.sequence_lengths = {64};
    (void)prepare(options, world, log);
    options.sequence_lengths = {16, 64};
    BOOST_TEST(contains(refusal(), "holds the corpus of one sequence length"));
    options.sequence_lengths = {7};
    options.pack = Pack::Pairs;
    BOOST_TEST(contains(refusal(), "--pack pairs needs 8"));
    options.sequence_lengths = {64};
    options.pack = Pack::Full;
    BOOST_TEST(contains(refusal(), "pack"));
    BOOST_TEST(contains(refusal(), "now: \"full\""));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::corpus
