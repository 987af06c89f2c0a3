#include "checkpoint/load.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <boost/test/unit_test.hpp>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/folder.h"
#include "checkpoint/sample.h"
#include "support/data.h"

using namespace hpml;
using namespace hpml::checkpoint;
using Names = std::vector<std::string>;

namespace {

const Log kQuiet(Rank(0), false);

/// Write tensors of three elements, the i-th filled with i + 1, and open the file.
model::SafetensorsFile file_of(const std::filesystem::path& path, const Names& names) {
    std::vector<model::NamedTensor> tensors;
    for (const std::string& name : names) {
        tensors.push_back(
            {name, at::full({3}, static_cast<double>(tensors.size() + 1), at::kFloat)});
    }
    AtomicFile file(path);
    model::write_safetensors(file, tensors);
    file.publish();
    return model::SafetensorsFile(path);
}

NamedViews zero_views(const Names& names) {
    NamedViews views;
    for (const std::string& name : names) {
        views.emplace_back(name, at::zeros({3}, at::kFloat));
    }
    return views;
}

float value(const NamedViews& views, std::size_t i) { return views[i].second[0].item<float>(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(load_suite)

BOOST_AUTO_TEST_CASE(finds_names_without_the_prefix_and_says_what_is_new_and_ignored) {
    const test::ScratchFolder folder("load");
    const auto file =
        file_of(folder / "x", {"embeddings.word_embeddings.weight", "embeddings.position_ids",
                               "pooler.dense.bias", "embeddings.LayerNorm.weight"});
    const NamedViews views = zero_views({"bert.embeddings.word_embeddings.weight",
                                         "bert.embeddings.LayerNorm.weight", "classifier.weight"});
    const LoadReport report = load_parameters(file, views);
    BOOST_TEST(report.loaded == (Names{"bert.embeddings.word_embeddings.weight",
                                       "bert.embeddings.LayerNorm.weight"}));
    BOOST_TEST(report.fresh == Names{"classifier.weight"});
    BOOST_TEST(report.ignored == Names{"pooler.dense.bias"});
    BOOST_TEST(value(views, 0) == 1.0F);
    BOOST_TEST(value(views, 1) == 4.0F);
    BOOST_TEST(value(views, 2) == 0.0F);
}

BOOST_AUTO_TEST_CASE(finds_old_and_tied_names) {
    const test::ScratchFolder folder("load");
    const auto file =
        file_of(folder / "x", {"bert.embeddings.LayerNorm.gamma", "embeddings.LayerNorm.beta",
                               "cls.predictions.decoder.bias", "cls.predictions.decoder.weight"});
    const NamedViews views = zero_views({"bert.embeddings.LayerNorm.weight",
                                         "bert.embeddings.LayerNorm.bias", "cls.predictions.bias"});
    const LoadReport report = load_parameters(file, views);
    BOOST_TEST(report.loaded.size() == 3U);
    BOOST_TEST(report.ignored.empty());
    BOOST_TEST(value(views, 0) == 1.0F);
    BOOST_TEST(value(views, 1) == 2.0F);
    BOOST_TEST(value(views, 2) == 3.0F);
}

BOOST_AUTO_TEST_CASE(finds_the_names_of_roberta) {
    const test::ScratchFolder folder("load");
    const auto file = file_of(
        folder / "x", {"embeddings.word_embeddings.weight", "lm_head.decoder.bias",
                       "lm_head.decoder.weight", "roberta.encoder.layer.0.output.dense.bias",
                       "roberta.pooler.dense.bias", "roberta.embeddings.position_ids"});
    const NamedViews views =
        zero_views({"roberta.embeddings.word_embeddings.weight", "lm_head.bias",
                    "roberta.encoder.layer.0.output.dense.bias"});
    const LoadReport report = load_parameters(file, views);
    BOOST_TEST(report.loaded.size() == 3U);
    BOOST_TEST(report.ignored == Names{"roberta.pooler.dense.bias"});
    BOOST_TEST(value(views, 0) == 1.0F);
    BOOST_TEST(value(views, 1) == 2.0F);
    BOOST_TEST(value(views, 2) == 4.0F);
}

BOOST_AUTO_TEST_CASE(the_exact_name_wins) {
    const test::ScratchFolder folder("load");
    const auto file = file_of(folder / "x", {"weight", "bert.weight"});
    const NamedViews views = zero_views({"bert.weight"});
    BOOST_TEST(load_parameters(file, views).ignored == Names{"weight"});
    BOOST_TEST(value(views, 0) == 2.0F);
}

BOOST_AUTO_TEST_CASE(refuses_a_file_of_another_family_or_shape) {
    const test::ScratchFolder folder("load");
    const auto file = file_of(folder / "x", {"encoder.block.0.weight"});
    BOOST_CHECK_THROW(load_parameters(file, zero_views({"bert.weight"})), InputError);
    const NamedViews wide = {{"encoder.block.0.weight", at::zeros({4}, at::kFloat)}};
    BOOST_CHECK_THROW(load_parameters(file, wide), InputError);
}

BOOST_AUTO_TEST_CASE(resuming_needs_exactly_the_same_names) {
    const test::ScratchFolder folder("load");
    const auto file = file_of(folder / "x", {"a", "b"});
    const NamedViews views = zero_views({"b", "a"});
    load_exactly(file, views);
    BOOST_TEST(value(views, 0) == 2.0F);
    BOOST_CHECK_THROW(load_exactly(file, zero_views({"a"})), InputError);
    BOOST_CHECK_THROW(load_exactly(file, zero_views({"a", "b", "c"})), InputError);
}

BOOST_AUTO_TEST_CASE(a_run_a_checkpoint_and_a_saved_model_are_found) {
    const test::ScratchFolder run("folder");
    write_checkpoint(run.path(), 1, test::sample_contents(10));
    const auto twenty = write_checkpoint(run.path(), 1, test::sample_contents(20)).folder;
    BOOST_TEST(resolve_model_folder(run.path(), kQuiet).folder == twenty);
    BOOST_TEST(resolve_model_folder(twenty, kQuiet).folder == twenty);
    auto contents = test::sample_contents(0);
    contents.optimizer.clear();
    contents.state = Json();
    contents.tokenizer_config = {{"do_lower_case", false}};
    write_model_folder(run / "model", contents);
    write_model_folder(run / "model", contents);  // and again over itself
    const ModelFolder found = resolve_model_folder(run / "model", kQuiet);
    BOOST_TEST(found.config.at("hidden_size").get<int>() == 128);
    BOOST_TEST(!std::filesystem::exists(run / "model" / "optimizer.safetensors"));
    // As Hugging Face saves it: no manifest, perhaps no configuration of the tokenizer.
    std::filesystem::remove(run / "model" / "MANIFEST.json");
    std::filesystem::remove(run / "model" / "tokenizer_config.json");
    BOOST_TEST(resolve_model_folder(run / "model", kQuiet).folder == run / "model");
    // The same with another tokenizer.
    std::filesystem::rename(run / "model" / "vocab.txt", run / "model" / "tokenizer.json");
    BOOST_TEST(resolve_model_folder(run / "model", kQuiet).folder == run / "model");
}

BOOST_AUTO_TEST_CASE(looking_for_a_model_changes_nothing_in_a_run) {
    const test::ScratchFolder run("folder");
    const auto ten = write_checkpoint(run.path(), 1, test::sample_contents(10)).folder;
    const auto twenty = write_checkpoint(run.path(), 1, test::sample_contents(20)).folder;
    std::filesystem::create_directory(run.path() / "checkpoints" / ".tmp-1-30");
    test::write_file(twenty / "vocab.txt", "other");
    BOOST_TEST(resolve_model_folder(run.path(), kQuiet).folder == ten);
    BOOST_TEST(std::filesystem::exists(twenty));
    BOOST_TEST(std::filesystem::exists(run.path() / "checkpoints" / ".tmp-1-30"));
}

BOOST_AUTO_TEST_CASE(says_what_a_folder_lacks) {
    const test::ScratchFolder folder("folder");
    const auto message = [&](const std::filesystem::path& path) {
        try {
            (void)resolve_model_folder(path, kQuiet);
        } catch (const MissingInputError& failure) {
            return std::string(failure.what());
        }
        return std::string();
    };
    BOOST_TEST(message(folder / "none").find("not a folder") != std::string::npos);
    BOOST_TEST(message(folder.path()).find("no config.json") != std::string::npos);
    for (const char* name : {"config.json", "vocab.txt", "pytorch_model.bin"}) {
        test::write_file(folder / name, "{}");
    }
    BOOST_TEST(message(folder.path()).find("safe_serialization") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
