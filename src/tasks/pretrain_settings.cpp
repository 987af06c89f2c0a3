#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/error.h"
#include "comm/trace/trace.h"
#include "tasks/pretrain.h"

namespace hpml::tasks {

namespace {

std::string divisors_up_to(std::int64_t number, std::int64_t most) {
    std::string text;
    for (std::int64_t i = 1; i <= std::min(number, most); ++i) {
        if (number % i == 0) {
            text += (text.empty() ? "" : ", ") + std::to_string(i);
        }
    }
    return text;
}

/// The largest size up to 32 that splits every rank's share of the global batch evenly.
std::int64_t choose_micro_batch(std::int64_t global_batch, int ranks) {
    const std::int64_t share = global_batch / ranks;
    for (std::int64_t size = std::min<std::int64_t>(share, 32); size > 1; --size) {
        if (share % size == 0) {
            return size;
        }
    }
    return 1;
}

void check_batches(PretrainOptions& options, int ranks) {
    if (options.global_batch % ranks != 0) {
        throw UsageError(fmt::format(
            "--global-batch {} cannot be shared out evenly over {} ranks (every rank must do the "
            "same work); "
            "use {} ranks, or a multiple of {} sequences",
            options.global_batch, ranks, divisors_up_to(options.global_batch, 1024), ranks));
    }
    if (options.micro_batch == 0) {
        options.micro_batch = choose_micro_batch(options.global_batch, ranks);
    }
    if (options.global_batch % (options.micro_batch * ranks) != 0) {
        throw UsageError(fmt::format(
            "--global-batch {} is not divisible by --micro-batch {} x {} ranks = {} (gradient "
            "accumulation "
            "needs whole micro-batches); with this global batch and {} ranks the micro-batch can "
            "be {}",
            options.global_batch, options.micro_batch, ranks, options.micro_batch * ranks, ranks,
            divisors_up_to(options.global_batch / ranks, 1024)));
    }
}

}  // namespace

model::ModelConfig model_of(const PretrainOptions& options, const corpus::Manifest& manifest) {
    model::ModelConfig config = model::named_model(options.model);
    if (!options.model.ends_with(".json")) {
        config.norm = options.norm;
    }
    config.vocabulary_size = manifest.vocabulary_size;
    return config;
}

PretrainOptions resolve(PretrainOptions options, const corpus::Manifest& manifest, int ranks) {
    check_batches(options, ranks);
    options.schedule.total_steps = options.steps;
    if (options.schedule.warmup_steps > options.steps && options.steps > 0) {
        throw UsageError(
            fmt::format("--warmup {} is longer than --steps {} (the learning rate would never "
                        "reach its peak); shorten the warm-up",
                        options.schedule.warmup_steps, options.steps));
    }
    const model::ModelConfig config = model_of(options, manifest);
    if (manifest.sequence_length > config.max_positions) {
        throw InputError(
            fmt::format("the corpus in {} has rows of {} tokens, the model has positions for {} "
                        "(its position table "
                        "ends there); prepare the corpus with --sequence-length {} or use a model "
                        "with more positions",
                        options.data.string(), manifest.sequence_length, config.max_positions,
                        config.max_positions));
    }
    if (manifest.train_rows() == 0) {
        throw InputError("the corpus in " + options.data.string() +
                         " has no training rows; prepare it from more text");
    }
    // The run directory itself is made later.
    if (const auto& trace = options.communication.trace;
        !trace.empty() && trace.parent_path() != options.run) {
        comm::require_trace_folder(trace);
    }
    if (options.precision == "auto") {
        options.precision = "fp32";
    }
    return options;
}

Json fixed_settings(const PretrainOptions& options, const corpus::Manifest& manifest) {
    const model::ModelConfig config = model_of(options, manifest);
    return {{"layers", config.layers},
            {"hidden_size", config.hidden_size},
            {"heads", config.heads},
            {"intermediate_size", config.intermediate_size},
            {"max_positions", config.max_positions},
            {"encoder_norm", config.norm == model::EncoderNorm::Pre ? "pre" : "post"},
            {"vocabulary_size", manifest.vocabulary_size},
            {"vocabulary_hash", manifest.vocabulary_hash.hex()},
            {"dataset", manifest.digest().hex()},
            {"sequence_length", manifest.sequence_length},
            {"optimizer", options.optimizer.name},
            {"global_batch", options.global_batch},
            {"masking_rate", options.masking_rate},
            {"max_predictions", options.max_predictions},
            {"whole_word_masking", options.whole_word_masking},
            {"dropout", options.dropout},
            {"seed", options.seed}};
}

void require_same_settings(const Json& checkpoint, const Json& now, const std::string& where) {
    std::string table;
    const auto text = [](const Json& json, const std::string& key) {
        return json.contains(key) ? (json.at(key).is_string() ? json.at(key).get<std::string>()
                                                              : json.at(key).dump())
                                  : std::string("-");
    };
    std::set<std::string> keys;
    for (const Json* side : {&checkpoint, &now}) {
        for (const auto& [key, value] : side->items()) {
            keys.insert(key);
        }
    }
    for (const auto& key : keys) {
        if (text(checkpoint, key) != text(now, key)) {
            table +=
                fmt::format("\n  {:<18} {:<34} {}", key, text(checkpoint, key), text(now, key));
        }
    }
    if (!table.empty()) {
        throw MismatchError(
            where + " was made with other settings (going on would not be the same run)\n" +
            fmt::format("  {:<18} {:<34} {}", "key", "checkpoint", "this run") + table +
            "\nhint: repeat the old settings, choose another --run folder, or fine-tune from "
            "the checkpoint with --init-from");
    }
}

}  // namespace hpml::tasks
