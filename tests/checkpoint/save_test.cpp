// Several workers write one checkpoint, while the memory that it is made from begins to change.

#include "checkpoint/save.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include <boost/test/unit_test.hpp>
#include <limits>
#include <thread>

#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "checkpoint/finite.h"
#include "checkpoint/part_reader.h"
#include "checkpoint/sample.h"
#include "support/data.h"
#include "support/text.h"

using namespace hpml;
using namespace hpml::checkpoint;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kRows = 1000;
constexpr std::int64_t kColumns = 300;

const Log kQuiet(Rank(0), false);

/// Large enough for some pieces of both files.
Contents large_contents(std::int64_t step) {
    Contents contents = test::sample_contents(step);
    const auto count = kRows * kColumns;
    contents.model.push_back({"bert.table", at::arange(count, at::kFloat).view({kRows, kColumns})});
    contents.optimizer.push_back({"exp_avg.bert.table", at::arange(count, at::kFloat).neg()});
    contents.optimizer.push_back(
        {"exp_avg_sq.bert.table", at::arange(count, at::kFloat).to(at::kBFloat16)});
    return contents;
}

/// What `workers` write together, each of `contents_of(worker)`.
template <class ContentsOf>
Checkpoint write_together(const fs::path& run, std::int64_t workers,
                          const ContentsOf& contents_of) {
    std::vector<std::unique_ptr<Save>> saves;
    for (std::int64_t i = 0; i < workers; ++i) {
        saves.push_back(std::make_unique<Save>(run, 1, contents_of(i), Share{i, workers}));
    }
    saves.front()->prepare();
    std::vector<std::string> reports;
    for (const auto& save : saves) {
        save->write_part();
        reports.push_back(save->report());
    }
    return saves.front()->publish(reports);
}

/// Rows `worker` of `workers` of a table, as a part of the whole.
TensorPart rows_of(const std::string& name, const at::Tensor& table, std::int64_t worker,
                   std::int64_t workers) {
    const std::int64_t first = kRows * worker / workers;
    const std::int64_t last = kRows * (worker + 1) / workers;
    return {name, table.view({kRows, kColumns}).slice(0, first, last),
            Place{{kRows * kColumns}, first * kColumns}};
}

struct Run {
    test::ScratchFolder folder{"save"};
    fs::path alone = write_checkpoint(folder / "alone", 1, large_contents(5)).folder;

    void check_same(const fs::path& other) const {
        for (const auto& entry : fs::directory_iterator(alone)) {
            const auto name = entry.path().filename();
            BOOST_TEST(hash_file(alone / name).hex() == hash_file(other / name).hex(), name);
        }
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(save_suite, Run)

BOOST_AUTO_TEST_CASE(any_number_of_workers_writes_the_same_bytes) {
    for (const std::int64_t workers : {2, 3, 7, 40}) {
        const auto together = write_together(folder / std::to_string(workers), workers,
                                             [](std::int64_t) { return large_contents(5); });
        check_same(together.folder);
        BOOST_TEST(verify_checkpoint(together.folder).bytes.value == together.bytes.value);
    }
    BOOST_TEST(read_manifest(alone).files.front().pieces.size() > 3U);
}

// A share of the state may lie on one rank only; the file does not tell.
BOOST_AUTO_TEST_CASE(parts_of_tensors_make_the_same_files) {
    const Contents whole = large_contents(5);
    const auto parts = [&](std::int64_t worker) {
        Contents contents = whole;
        contents.optimizer = {whole.optimizer.front()};  // nobody's own
        for (std::size_t i = 1; i < whole.optimizer.size(); ++i) {
            contents.optimizer.push_back(
                rows_of(whole.optimizer[i].name, whole.optimizer[i].tensor, worker, 3));
        }
        return contents;
    };
    const auto together = write_together(folder / "parts", 3, parts);
    for (const char* name : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
        BOOST_TEST(hash_file(alone / name).hex() == hash_file(together.folder / name).hex(), name);
    }
    BOOST_TEST(verify_checkpoint(together.folder).step.value == 5);
}

BOOST_AUTO_TEST_CASE(what_changes_after_hold_is_not_written) {
    for (int round = 0; round < 20; ++round) {
        Contents contents = large_contents(5);
        Save save(folder / "held", 1, contents, Share{});
        save.prepare();
        std::thread writer([&] { save.write_part(); });
        if (round % 2 == 0) {
            std::this_thread::sleep_for(std::chrono::microseconds(100 * round));
        }
        save.hold();
        for (const auto* tensors : {&contents.model, &contents.optimizer}) {
            for (const TensorPart& part : *tensors) {
                part.tensor.fill_(-1);
            }
        }
        writer.join();
        const auto written = save.publish({save.report()});
        check_same(written.folder);
        fs::remove_all(folder / "held");
    }
}

BOOST_AUTO_TEST_CASE(a_save_that_failed_keeps_no_copies_and_makes_none) {
    const Contents contents = large_contents(5);
    std::vector<FileImage> images;
    images.emplace_back("model.safetensors", contents.model);
    PartReader reader(images, {{0, {0, images.front().bytes()}}});
    reader.hold();
    BOOST_TEST(reader.held_bytes() == images.front().bytes());
    reader.stop();
    BOOST_TEST(reader.held_bytes() == 0U);
    reader.hold();
    BOOST_TEST(reader.held_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(a_part_that_is_missing_is_not_published) {
    Save first(folder / "missing", 1, large_contents(6), Share{0, 2});
    Save second(folder / "missing", 1, large_contents(6), Share{1, 2});
    first.prepare();
    first.write_part();
    second.write_part();
    BOOST_CHECK_THROW((void)first.publish({first.report()}), InputError);
    BOOST_TEST(!fs::exists(folder / "missing/checkpoints/step-00000006"));
    BOOST_TEST(fs::is_empty(folder / "missing/checkpoints"));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_with_nan_or_infinity_is_refused) {
    for (const double value :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
          -std::numeric_limits<double>::infinity()}) {
        for (const bool in_model : {true, false}) {
            Contents contents = large_contents(7);
            TensorPart& part = in_model ? contents.model.back() : contents.optimizer.back();
            part.tensor.view({-1}).slice(0, kRows * kColumns - 1).fill_(value);
            try {
                write_checkpoint(folder / "alone", 1, contents);
                BOOST_ERROR("it was written");
            } catch (const DivergedError& refused) {
                BOOST_TEST(test::contains(refused.what(), part.name), refused.what());
            }
        }
    }
    const auto all = folder / "alone/checkpoints";
    BOOST_TEST(std::distance(fs::directory_iterator(all), fs::directory_iterator()) == 1);
}

BOOST_AUTO_TEST_CASE(the_largest_finite_numbers_are_finite) {
    const at::Tensor values = at::zeros({1000}, at::kFloat);
    const auto bytes = [](const at::Tensor& tensor) {
        return std::span(static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes());
    };
    values.fill_(std::numeric_limits<float>::max());
    BOOST_TEST(is_finite({bytes(values), Source::Numbers::Float32}));
    values.fill_(std::numeric_limits<float>::denorm_min());
    BOOST_TEST(is_finite({bytes(values), Source::Numbers::Float32}));
    values[999].fill_(std::numeric_limits<float>::infinity());
    BOOST_TEST(!is_finite({bytes(values), Source::Numbers::Float32}));
    BOOST_TEST(is_finite({bytes(values), Source::Numbers::None}));
}

BOOST_AUTO_TEST_CASE(milestones_are_kept_beside_the_newest) {
    const fs::path run = folder / "milestones";
    for (std::int64_t step = 1; step <= 6; ++step) {
        Contents contents = test::sample_contents(step);
        contents.milestone = step % 3 == 0 ? "every 3 steps" : "";
        write_checkpoint(run, 1, contents);
        retain(run, 1, Step(step));
    }
    std::vector<std::int64_t> steps;
    for (const Checkpoint& item : list_checkpoints(run)) {
        steps.push_back(item.step.value);
    }
    BOOST_TEST((steps == std::vector<std::int64_t>{3, 6}));
    BOOST_TEST(verify_checkpoint(run / "checkpoints/step-00000003").milestone == "every 3 steps");
}

BOOST_AUTO_TEST_CASE(shares_verify_all_pieces_between_them) {
    const Manifest manifest = read_manifest(alone);
    const fs::path file = alone / "optimizer.safetensors";
    const std::string whole = read_text(file);
    for (std::size_t at = 0; at < whole.size(); at += whole.size() / 11) {
        std::string flipped = whole;
        flipped[at] = static_cast<char>(flipped[at] ^ 1);
        test::write_file(file, flipped);
        int refused = 0;
        for (std::int64_t i = 0; i < 3; ++i) {
            try {
                (void)verify_share(alone, manifest, Share{i, 3});
            } catch (const InputError&) {
                ++refused;
            }
        }
        BOOST_TEST(refused == 1, "byte " << at);
    }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_format_1_is_read) {
    const fs::path golden =
        fs::path(HPML_SOURCE_DIR) / "tests/golden/checkpoint_format_1/step-00000002";
    const Manifest manifest = read_manifest(golden);
    BOOST_TEST(manifest.format == 1);
    BOOST_TEST(verify_checkpoint(golden).step.value == 2);
    const fs::path copy = folder / "format-1/checkpoints/step-00000002";
    fs::create_directories(copy.parent_path());
    fs::copy(golden, copy);
    BOOST_TEST(newest_checkpoint(folder / "format-1", kQuiet)->step.value == 2);
    test::write_file(copy / "vocab.txt", "x");
    BOOST_CHECK_THROW((void)verify_checkpoint(copy), InputError);
}

BOOST_AUTO_TEST_CASE(pieces_that_do_not_fill_their_file_are_rejected) {
    const Manifest good = read_manifest(alone);
    const auto refused = [&](const auto& damage) {
        Manifest bad = good;
        damage(bad.files.front());
        BOOST_CHECK_THROW((void)parse_manifest(manifest_text(bad), "it"), InputError);
    };
    refused([](ManifestFile& file) { file.pieces.pop_back(); });
    refused([](ManifestFile& file) { file.pieces.clear(); });
    refused([](ManifestFile& file) { file.pieces[1].offset -= 1; });
    refused([](ManifestFile& file) { file.pieces[1].bytes += 1; });
    refused([](ManifestFile& file) { file.pieces.back().bytes += 1; });
    refused([](ManifestFile& file) { std::swap(file.pieces[0], file.pieces[1]); });
    refused([](ManifestFile& file) { file.pieces[1].bytes = ~std::uint64_t{0}; });
}

BOOST_AUTO_TEST_SUITE_END()
