// Training on the predecessors' files as they are: tests/golden/masked, made by make_masked.py.
#include "corpus/masked_samples.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "corpus/data_folder.h"
#include "corpus/file_order.h"
#include "corpus/masked_folder.h"
#include "corpus_fixture.h"

using namespace hpml;
using Ids = std::vector<std::int32_t>;
namespace fs = std::filesystem;

namespace {

const fs::path kGolden = fs::path(HPML_SOURCE_DIR) / "tests/golden";
const fs::path kFolder = kGolden / "masked/academic-budget";

struct Fixture {
    std::unique_ptr<text::Tokenizer> tokenizer =
        corpus::load_row_tokenizer(kGolden / "corpus/vocab.txt", text::CaseChoice::Auto);
    corpus::Manifest manifest =
        corpus::read_masked_folder(kFolder, *tokenizer, mpi::Communicator());
    corpus::LoaderOptions options;

    Fixture() {
        options.masking = corpus::masking_for(*tokenizer, corpus::MaskWhole::Tokens);
        options.global_batch = 7;
        options.micro_batch = 7;
    }

    /// Rows of the split in stored order, as expected.json tells them.
    [[nodiscard]] static std::vector<Json> stored(const std::vector<corpus::ShardEntry>& files) {
        const Json expected = read_json(kGolden / "masked/expected.json");
        std::vector<Json> rows;
        for (const auto& file : files) {
            const Json& of_file = expected.at("academic-budget/" + file.name);
            rows.insert(rows.end(), of_file.begin(), of_file.end());
        }
        return rows;
    }
};

/// Sequence `index` of a batch must be the stored row, masks and all.
void check_sequence(const corpus::Batch& batch, std::size_t index, const Json& row) {
    const auto slice = [&](const Ids& values) {
        return Ids(values.begin() + batch.cu_seqlens[index],
                   values.begin() + batch.cu_seqlens[index + 1]);
    };
    BOOST_TEST(slice(batch.tokens) == row.at("tokens").get<Ids>(),
               boost::test_tools::per_element());
    BOOST_TEST(slice(batch.segments) == row.at("segments").get<Ids>(),
               boost::test_tools::per_element());
    Ids positions;
    Ids labels;
    for (std::size_t i = 0; i < batch.mlm_positions.size(); ++i) {
        if (batch.mlm_positions[i] >= batch.cu_seqlens[index] &&
            batch.mlm_positions[i] < batch.cu_seqlens[index + 1]) {
            positions.push_back(batch.mlm_positions[i] - batch.cu_seqlens[index]);
            labels.push_back(batch.mlm_labels[i]);
        }
    }
    BOOST_TEST(positions == row.at("positions").get<Ids>(), boost::test_tools::per_element());
    BOOST_TEST(labels == row.at("labels").get<Ids>(), boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(masked_samples_suite)

BOOST_AUTO_TEST_CASE(an_epoch_holds_every_row_once_and_each_file_in_one_piece) {
    const std::vector<std::int64_t> rows{40, 0, 1, 17, 200};
    corpus::FileOrder order(rows, 42);
    BOOST_TEST(order.rows() == 258);
    std::set<std::vector<std::size_t>> file_orders;
    std::set<std::vector<std::int64_t>> row_orders;
    for (std::int64_t epoch = 0; epoch < 5; ++epoch) {
        std::set<std::pair<std::size_t, std::int64_t>> met;
        std::vector<std::size_t> files;
        std::vector<std::int64_t> of_last;
        for (std::int64_t i = 0; i < order.rows(); ++i) {
            const auto place = order.at(epoch * order.rows() + i);
            BOOST_REQUIRE(place.epoch == epoch);
            BOOST_REQUIRE(place.row < rows[place.file]);
            met.insert({place.file, place.row});
            if (files.empty() || files.back() != place.file) {
                files.push_back(place.file);
            }
            if (place.file == 4) {
                of_last.push_back(place.row);
            }
        }
        BOOST_TEST(met.size() == 258u);
        BOOST_TEST(files.size() == 4u);
        file_orders.insert(files);
        row_orders.insert(of_last);
    }
    BOOST_TEST(file_orders.size() > 1u);
    BOOST_TEST(row_orders.size() == 5u);
}

BOOST_AUTO_TEST_CASE(the_order_does_not_depend_on_what_was_asked_before) {
    const std::vector<std::int64_t> rows{40, 0, 1, 17, 200};
    corpus::FileOrder forward(rows, 7);
    corpus::FileOrder backward(rows, 7);
    corpus::FileOrder other(rows, 8);
    std::map<std::int64_t, corpus::FileOrder::Place> places;
    for (std::int64_t i = 0; i < 800; ++i) {
        places[i] = forward.at(i);
    }
    int differ = 0;
    for (std::int64_t i = 799; i >= 0; --i) {
        const auto place = backward.at(i);
        BOOST_REQUIRE(place.file == places[i].file);
        BOOST_REQUIRE(place.row == places[i].row);
        differ += other.at(i).row == place.row ? 0 : 1;
    }
    BOOST_TEST(differ > 400);
}

BOOST_FIXTURE_TEST_CASE(a_folder_tells_its_rows_without_reading_them, Fixture) {
    BOOST_TEST(manifest.train.size() == 4u);
    BOOST_TEST(manifest.train[3].name == "train_shard_3.hdf5");
    BOOST_TEST(manifest.train_rows() == 28);
    BOOST_TEST(manifest.validation_rows() == 4);
    BOOST_TEST(manifest.sequence_length == 24);
    BOOST_TEST(manifest.lower_case);
    BOOST_TEST(corpus::is_masked_folder(kFolder, mpi::Communicator()));
    BOOST_TEST(corpus::is_masked_folder(kGolden / "masked/nvidia", mpi::Communicator()));
    BOOST_TEST(!corpus::is_masked_folder(kGolden / "corpus", mpi::Communicator()));
    BOOST_TEST(!corpus::is_masked_folder("/nonexistent", mpi::Communicator()));
}

BOOST_FIXTURE_TEST_CASE(an_epoch_of_global_batches_holds_every_stored_row_as_it_is, Fixture) {
    const auto rows = stored(manifest.train);
    corpus::Loader loader(kFolder, manifest, options);
    for (int epoch = 0; epoch < 2; ++epoch) {
        std::set<std::int64_t> met;
        for (int step = 0; step < 4; ++step) {
            const corpus::Batch& batch = loader.next();
            BOOST_REQUIRE(batch.sequences() == 7u);
            for (std::size_t i = 0; i < batch.sequences(); ++i) {
                met.insert(batch.samples[i]);
                check_sequence(batch, i, rows.at(static_cast<std::size_t>(batch.samples[i])));
            }
        }
        BOOST_TEST(met.size() == rows.size());
    }
}

BOOST_FIXTURE_TEST_CASE(global_batches_are_the_same_however_they_are_shared_out, Fixture) {
    options.global_batch = 10;
    options.micro_batch = 2;
    std::map<int, std::vector<std::int64_t>> samples[2];
    for (const std::int64_t ranks : {1, 3}) {
        for (std::int64_t rank = 0; rank < ranks; ++rank) {
            corpus::Loader loader(kFolder, manifest, options);
            const std::int64_t first = 5 * rank / ranks;
            const std::int64_t last = 5 * (rank + 1) / ranks;
            loader.seek(Step(0), first, last);
            for (int step = 0; step < 8; ++step) {
                for (std::int64_t i = first; i < last; ++i) {
                    const auto& batch = loader.next();
                    auto& of_step = samples[ranks == 1 ? 0 : 1][step];
                    of_step.insert(of_step.end(), batch.samples.begin(), batch.samples.end());
                }
            }
        }
    }
    BOOST_CHECK(samples[0] == samples[1]);
}

BOOST_FIXTURE_TEST_CASE(pairs_give_their_labels_as_targets, Fixture) {
    const fs::path folder = kGolden / "masked/nvidia";
    const auto pairs = corpus::read_masked_folder(folder, *tokenizer, mpi::Communicator());
    BOOST_TEST(pairs.pairs);
    BOOST_TEST(!manifest.pairs);
    const corpus::ValidationSet set(folder, pairs, options);
    const corpus::Batch batch = set.micro_batch(0);
    const Json rows =
        read_json(kGolden / "masked/expected.json").at("nvidia/" + pairs.validation.front().name);
    BOOST_TEST_REQUIRE(batch.targets.size() == batch.sequences());
    for (std::size_t i = 0; i < batch.sequences(); ++i) {
        check_sequence(batch, i, rows.at(i));
        BOOST_TEST(batch.targets[i] == rows.at(i).at("next_sentence").get<float>());
    }
    const corpus::ValidationSet without(kFolder, manifest, options);
    BOOST_TEST(without.micro_batch(0).targets.empty());
}

BOOST_FIXTURE_TEST_CASE(a_byte_level_tokenizer_leaves_one_token_type, Fixture) {
    const fs::path folder = kGolden / "masked/nvidia";
    auto pairs = corpus::read_masked_folder(folder, *tokenizer, mpi::Communicator());
    pairs.tokenizer = text::TokenizerKind::BytePair;
    const corpus::Batch batch = corpus::ValidationSet(folder, pairs, options).micro_batch(0);
    BOOST_TEST(std::ranges::count(batch.segments, 0) ==
               static_cast<std::ptrdiff_t>(batch.segments.size()));
}

BOOST_FIXTURE_TEST_CASE(validation_takes_the_test_files_in_stored_order, Fixture) {
    options.micro_batch = 3;
    const corpus::ValidationSet set(kFolder, manifest, options);
    const auto rows = stored(manifest.validation);
    BOOST_TEST(set.micro_batches() == 2);
    for (const std::size_t i : {3, 0, 1, 2}) {
        check_sequence(set.micro_batch(static_cast<std::int64_t>(i / 3)), i % 3, rows.at(i));
    }
}

BOOST_FIXTURE_TEST_CASE(a_wrong_vocabulary_and_a_changed_file_are_refused, Fixture) {
    const auto refused = [&](const std::vector<std::string>& parts) {
        test::must_fail<InputError>(
            [&] {
                corpus::Loader loader(kFolder, manifest, options);
                (void)loader.next();
            },
            parts);
    };
    options.masking.special.cls = 4;
    refused({"train_shard_", "row 0 goes from token id 2", "[CLS] is 4"});
    options.masking.special.cls = 2;
    for (auto& entry : manifest.train) {
        entry.rows = 6;
    }
    refused({"has 7 rows now (6 when the run began)"});
}

BOOST_AUTO_TEST_SUITE_END()
