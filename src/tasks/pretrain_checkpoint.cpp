#include "tasks/pretrain_checkpoint.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "corpus/data_folder.h"
#include "manifest/manifest.h"
#include "mpi/root_text.h"
#include "tasks/attempts.h"
#include "tasks/resume_settings.h"
#include "tasks/shared_checkpoint.h"
#include "tasks/state_parts.h"
#include "tasks/sums_record.h"

namespace hpml::tasks {

namespace fs = std::filesystem;

namespace {

constexpr int kFormatVersion = 1;

/// For tests that prove that every item counts: HPML_FAULT=skip@site=restore.ITEM.
bool is_skipped(const std::string& item, Step step, const mpi::Communicator& ranks) {
    return fault_point("restore." + item, step, ranks.rank());
}

/// "exp_avg" of "exp_avg.bert.pooler.dense.bias".
std::string kind_of(const std::string& name) { return name.substr(0, name.find('.')); }

/// Rank 0 reads it. Collective.
Json read_state(const fs::path& folder, const mpi::Communicator& ranks) {
    return Json::parse(
        mpi::text_of_root(ranks, [&] { return read_json(folder / "state.json").dump(); }));
}

/// Two digits a byte.
std::string hex_of(const std::vector<std::uint8_t>& bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += fmt::format("{:02x}", byte);
    }
    return text;
}

std::vector<std::uint8_t> bytes_of(const std::string& hex, const std::string& where) {
    std::vector<std::uint8_t> bytes(hex.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char* const digits = hex.data() + 2 * i;
        const auto [end, failure] = std::from_chars(digits, digits + 2, bytes[i], 16);
        if (failure != std::errc() || end != digits + 2) {
            throw InputError(where + ": elastic_limits is no hexadecimal text");
        }
    }
    return bytes;
}

Step step_of(const Json& saved, const std::string& where) {
    return Step(json_member<std::int64_t>(saved, "step", where));
}

/// See RunCounters::time.
std::optional<Seconds> time_of(const Json& saved, const std::string& where) {
    return saved.contains("run_seconds")
               ? std::optional(Seconds(json_member<double>(saved, "run_seconds", where)))
               : std::nullopt;
}

/// What of a checkpoint's state.json is neither a setting nor for people. A run that goes on in
/// fp16 from another precision begins with the loss scale of step 0, and elastic sums with the
/// limits of step 0 after other ones.
RunCounters take_over(const Json& saved, const std::string& where, train::Replica& replica,
                      const mpi::Communicator& ranks) {
    RunCounters counters;
    counters.step = step_of(saved, where);
    const auto is_wanted = [&](const char* item) {
        return !is_skipped(item, counters.step, ranks);
    };
    if (is_wanted("skipped_in_a_row")) {
        counters.skipped = saved.value("skipped_in_a_row", std::int64_t{0});
    }
    if (is_wanted("data_shift")) {
        counters.data_shift = Step(saved.value("data_shift", std::int64_t{0}));
    }
    if (is_wanted("run_seconds")) {
        counters.time = time_of(saved, where);
    }
    if (is_wanted("optimizer_steps")) {
        replica.optimizer().set_steps_taken(
            json_member<std::int64_t>(saved, "optimizer_steps", where));
    }
    if (auto* scaler = replica.loss_scaler();
        scaler != nullptr && saved.contains("loss_scale") && is_wanted("loss_scale")) {
        scaler->restore(saved.at("loss_scale"), where);
    }
    if (auto* elastic = replica.elastic();
        elastic != nullptr && saved.contains("elastic_limits") && is_wanted("elastic")) {
        elastic->set_limits(
            bytes_of(json_member<std::string>(saved, "elastic_limits", where), where));
    }
    return counters;
}

}  // namespace

CommonContents common_contents(const PretrainOptions& options, const corpus::Manifest& manifest,
                               const mpi::Communicator& ranks) {
    CommonContents common;
    mpi::agree(ranks, [&] {
        common.settings = recorded_settings(options, manifest);
        const model::ModelConfig config = model_of(options, manifest);
        common.config = model::config_to_json(config, model::Head::MaskedLm, options.dropout);
        common.max_positions = config.max_positions;
        if (ranks.is_root()) {
            common.tokenizer = corpus::read_tokenizer(tokenizer_place(options), manifest)->files();
        }
    });
    return common;
}

checkpoint::Contents checkpoint_contents(train::Replica& replica, const RunCounters& counters,
                                         const PretrainOptions& options,
                                         const CommonContents& common,
                                         const mpi::Communicator& ranks) {
    checkpoint::Contents contents;
    contents.step = counters.step;
    for (const auto& [name, tensor] : replica.named_parameters()) {
        contents.model.push_back({name, tensor});
    }
    contents.optimizer = state_parts_for_file(replica.optimizer(), ranks);
    contents.state = {
        {"format_version", kFormatVersion},
        {"step", counters.step.value},
        {"optimizer_steps", replica.optimizer().steps_taken()},
        {"samples", options.ramp.first_sequence((counters.step + counters.data_shift).value)},
        {"micro_batch", options.micro_batch},
        {"precision", options.precision},
        {"sums", sums_record(replica.communication(), replica.ranks())},
        {"platform", platform_record(!replica.arena().parameters().is_cpu())},
        {"settings", common.settings.settings},
        {"changeable", common.settings.changeable}};
    if (auto* scaler = replica.loss_scaler()) {
        contents.state["loss_scale"] = scaler->state();
    }
    if (counters.time) {
        contents.state["run_seconds"] = counters.time->value;
    }
    if (replica.elastic() != nullptr) {
        contents.state["elastic_limits"] = hex_of(replica.elastic()->limits());
    }
    if (counters.skipped > 0) {
        contents.state["skipped_in_a_row"] = counters.skipped;
    }
    if (counters.data_shift > Step(0)) {
        contents.state["data_shift"] = counters.data_shift.value;
    }
    contents.config = common.config;
    contents.set_tokenizer(common.tokenizer, common.max_positions);
    return contents;
}

RunCounters restore(train::Replica& replica, const fs::path& folder,
                    const mpi::Communicator& ranks) {
    const at::NoGradGuard no_grad;
    const Json saved = read_state(folder, ranks);
    RunCounters counters;
    mpi::agree(ranks, [&] {
        counters = take_over(saved, "checkpoint " + folder.string(), replica, ranks);
    });
    FileTargets weights{"model.safetensors", {}};
    for (const auto& [name, tensor] : replica.named_parameters()) {
        if (!is_skipped("model", counters.step, ranks)) {
            weights.tensors.push_back({name, tensor});
        }
    }
    FileTargets moments{"optimizer.safetensors", {}};
    for (checkpoint::TensorPart& part : state_parts(replica.optimizer())) {
        if (!is_skipped(kind_of(part.name), counters.step, ranks)) {
            moments.tensors.push_back(std::move(part));
        }
    }
    read_together(folder, {weights, moments}, ranks);
    return counters;
}

namespace {

/// `folder`, or `folder/` as completion on a command line leaves it.
fs::path without_last_slash(const fs::path& folder) {
    return folder.has_filename() ? folder : folder.parent_path();
}

bool lies_in(const fs::path& folder, const fs::path& parent) {
    std::error_code failure;
    return fs::equivalent(folder.parent_path(), parent, failure);
}

/// The checkpoint that --resume names, or the run's own newest where the run has gone on from it
/// already: the same command again goes on.
checkpoint::Checkpoint named_checkpoint(const PretrainOptions& options,
                                        const mpi::Communicator& ranks, const Log& log) {
    const auto named = verify_together(without_last_slash(options.resume), ranks);
    const auto own = newest_together(options.run, ranks, log);
    if (!own || own->step <= named.step) {
        return named;
    }
    if (lies_in(named.folder, checkpoint::checkpoints_of(options.run))) {
        // `retain` would drop the new checkpoints, and the next `--resume auto` would jump to the
        // old ones.
        throw UsageError(fmt::format(
            "--resume names step {}, but {} has step {} already (two histories would be mixed "
            "there); go on with --resume auto, or branch off into another --run",
            named.step.value, options.run.string(), own->step.value));
    }
    log.info("{} has gone on from {} to step {}", options.run.string(), named.folder.string(),
             own->step.value);
    return *own;
}

/// Not one from which start after start has died.
std::optional<checkpoint::Checkpoint> newest_that_may_start(const PretrainOptions& options,
                                                            const mpi::Communicator& ranks,
                                                            const Log& log) {
    const auto if_none = options.restart_from_scratch ? checkpoint::IfNoneIsValid::StartOver
                                                      : checkpoint::IfNoneIsValid::Refuse;
    while (true) {
        auto found = newest_together(options.run, ranks, log, if_none);
        std::int64_t refused = 0;
        mpi::on_root(ranks,
                     [&] { refused = found && !may_start_from(options.run, *found, log) ? 1 : 0; });
        ranks.max(std::span(&refused, 1));
        if (refused == 0) {
            return found;
        }
    }
}

/// A message, not a surprise in the middle of loading, for a checkpoint of other settings.
/// @return the overrides of its run, those of this start included
Json check_settings(const PretrainOptions& options, const corpus::Manifest& manifest,
                    const fs::path& folder, const Log& log) {
    const std::string where = "checkpoint " + folder.string();
    const Json saved = read_json(folder / "state.json");
    if (json_member<int>(saved, "format_version", where) > kFormatVersion) {
        throw MismatchError(where + " was written by a newer version (format " +
                            saved.at("format_version").dump() + ", this program reads up to " +
                            std::to_string(kFormatVersion) + "); use that version");
    }
    return compare_settings(saved, options, manifest, where, log);
}

}  // namespace

ResumePoint choose_resume_point(const PretrainOptions& options, const corpus::Manifest& manifest,
                                const mpi::Communicator& ranks, const Log& log) {
    std::optional<checkpoint::Checkpoint> found;
    if (options.resume == "auto") {
        found = newest_that_may_start(options, ranks, log);
    } else if (options.resume != "never") {
        found = named_checkpoint(options, ranks, log);
    }
    if (!found) {
        return {};
    }
    const std::string overrides = mpi::text_of_root(
        ranks, [&] { return check_settings(options, manifest, found->folder, log).dump(); });
    return {found->folder, Json::parse(overrides)};
}

void refuse_used_run(const PretrainOptions& options) {
    std::error_code failure;
    const fs::directory_iterator entries(options.run, failure);
    if (options.resume == "never" && !failure && entries != fs::directory_iterator()) {
        throw UsageError("--resume never, but " + options.run.string() +
                         " is not empty (what is there would be mixed with a new run); choose "
                         "another --run folder or remove this one");
    }
}

train::RunProgress progress_of(const fs::path& folder) {
    const fs::path file = folder / "state.json";
    const Json saved = read_json(file);
    train::RunProgress progress;
    progress.step = step_of(saved, file.string());
    progress.time = time_of(saved, file.string()).value_or(Seconds(0));
    return progress;
}

}  // namespace hpml::tasks
