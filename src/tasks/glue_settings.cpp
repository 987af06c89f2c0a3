#include "tasks/glue_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/hash.h"

namespace hpml::tasks {
namespace {

namespace fs = std::filesystem;

std::string file_hash(const fs::path& path) {
    return fs::exists(path) ? hash_file(path).hex() : "absent";
}

std::string value_text(const Json& json, const std::string& key) {
    if (!json.contains(key)) {
        return "-";
    }
    return json.at(key).is_string() ? json.at(key).get<std::string>() : json.at(key).dump();
}

/// One line per key whose values differ; empty if none does.
std::string difference_table(const Json& there, const Json& here) {
    std::string table;
    const auto add = [&](const std::string& key) {
        const std::string old_value = value_text(there, key);
        const std::string new_value = value_text(here, key);
        if (old_value != new_value) {
            table += fmt::format("\n  {:<20} {:<34} {}", key, old_value, new_value);
        }
    };
    for (const auto& [key, value] : here.items()) {
        add(key);
    }
    for (const auto& [key, value] : there.items()) {
        if (!here.contains(key)) {
            add(key);
        }
    }
    return table;
}

/// What the program leaves before it has decided that it may write does not make a folder
/// somebody's.
bool holds_only_our_traces(const fs::path& run) {
    static constexpr std::array<std::string_view, 5> kTraces{
        "run.lock", "run_generation", "status.json", "log.txt", "config.cfg"};
    return std::ranges::all_of(fs::directory_iterator(run), [](const fs::directory_entry& entry) {
        const std::string name = entry.path().filename().string();
        return name.starts_with(".") || std::ranges::find(kTraces, name) != kTraces.end();
    });
}

}  // namespace

Json glue_settings(const GlueOptions& options, const GlueStart& start) {
    const model::ModelConfig& config = start.config;
    const FineTuneOptions& recipe = options.recipe;
    Json settings = {{"task", options.task},
                     {"train_data", file_hash(options.data / "train.tsv")},
                     {"dev_data", file_hash(options.data / "dev.tsv")},
                     {"test_data", file_hash(options.data / "test.tsv")},
                     {"initial_weights", start.weights_hash},
                     {"vocabulary_hash", start.tokenizer->hash().hex()},
                     {"lower_case", start.tokenizer->letter_case() == text::LetterCase::Lower},
                     {"layers", config.layers},
                     {"hidden_size", config.hidden_size},
                     {"heads", config.heads},
                     {"intermediate_size", config.intermediate_size},
                     {"encoder_norm", config.norm == model::EncoderNorm::Pre ? "pre" : "post"},
                     {"max_sequence_length", options.max_sequence_length},
                     {"max_train_samples", options.max_train_samples},
                     {"epochs", recipe.epochs},
                     {"learning_rate", recipe.learning_rate},
                     {"batch", recipe.batch},
                     {"warmup", recipe.warmup_steps},
                     {"clip_norm", recipe.clip_norm},
                     {"dropout", recipe.dropout},
                     {"weight_decay", options.optimizer.weight_decay},
                     {"beta1", options.optimizer.beta1},
                     {"beta2", options.optimizer.beta2},
                     {"epsilon", options.optimizer.epsilon},
                     {"seed", recipe.seed}};
    // Left out where it follows from encoder_norm, as in the runs of before.
    if (config.family == model::Family::Roberta) {
        settings["model_type"] = model::model_type(config);
    }
    return settings;
}

bool is_finished(const fs::path& run, const Json& settings) {
    if (!fs::exists(run) || (fs::is_directory(run) && holds_only_our_traces(run))) {
        return false;
    }
    if (!fs::exists(run / GlueFiles::settings)) {
        throw MismatchError("the run directory " + run.string() +
                            " is not empty and holds no fine-tuning run (its files would be mixed "
                            "with ours); choose another --run folder");
    }
    const Json there = read_json(run / GlueFiles::settings);
    const std::string table = difference_table(there, settings);
    if (!table.empty()) {
        throw MismatchError(
            "the run directory " + run.string() + " holds a fine-tuning run with other settings\n" +
            fmt::format("  {:<20} {:<34} {}", "key", "that run", "this run") + table +
            "\nhint: choose another --run folder, or repeat the old settings");
    }
    return fs::exists(run / GlueFiles::results);
}

}  // namespace hpml::tasks
