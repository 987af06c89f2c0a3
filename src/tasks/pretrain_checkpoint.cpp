#include "tasks/pretrain_checkpoint.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "corpus/data_folder.h"
#include "manifest/manifest.h"
#include "tasks/attempts.h"
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

struct Counters {
    std::int64_t step = 0;
    std::int64_t optimizer_steps = 0;
    double run_seconds = -1;
    std::int64_t skipped = 0;
    std::int64_t data_shift = 0;
};

Counters read_counters(const fs::path& folder, const mpi::Communicator& ranks) {
    Counters counters;
    mpi::on_root(ranks, [&] {
        const std::string where = "checkpoint " + folder.string();
        const Json saved = read_json(folder / "state.json");
        counters.step = json_member<std::int64_t>(saved, "step", where);
        counters.optimizer_steps = json_member<std::int64_t>(saved, "optimizer_steps", where);
        counters.run_seconds = saved.value("run_seconds", counters.run_seconds);
        counters.skipped = saved.value("skipped_in_a_row", counters.skipped);
        counters.data_shift = saved.value("data_shift", counters.data_shift);
    });
    ranks.broadcast(std::as_writable_bytes(std::span(&counters, 1)));
    return counters;
}

}  // namespace

void broadcast_tensor(const at::Tensor& values, const mpi::Communicator& ranks) {
    const at::Tensor host = values.cpu().contiguous();
    ranks.broadcast(std::as_writable_bytes(
        std::span(static_cast<char*>(host.data_ptr()), static_cast<std::size_t>(host.nbytes()))));
    if (!host.is_alias_of(values)) {
        values.copy_(host);
    }
}

namespace {

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

/// The scales of elastic sums; a checkpoint of other sums has none, and they begin anew.
/// Collective.
void restore_elastic(train::Replica& replica, const fs::path& folder,
                     const mpi::Communicator& ranks) {
    std::string limits;
    mpi::on_root(ranks, [&] {
        limits = read_json(folder / "state.json").value("elastic_limits", std::string());
    });
    limits = ranks.broadcast(std::move(limits));
    if (!limits.empty()) {
        replica.elastic()->set_limits(bytes_of(limits, "checkpoint " + folder.string()));
    }
}

}  // namespace

checkpoint::Contents checkpoint_contents(train::Replica& replica, const RunCounters& counters,
                                         const PretrainOptions& options,
                                         const corpus::Manifest& manifest,
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
        {"settings", fixed_settings(options, manifest)}};
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
    contents.config =
        model::config_to_json(model_of(options, manifest), model::Head::MaskedLm, options.dropout);
    contents.set_tokenizer(corpus::tokenizer_files(tokenizer_place(options), manifest),
                           contents.config.at("max_position_embeddings").get<std::int64_t>());
    return contents;
}

namespace {

/// A run that goes on in fp16 from another precision begins with the scale of step 0.
void restore_loss_scale(train::Replica& replica, const fs::path& folder,
                        const mpi::Communicator& ranks) {
    auto* scaler = replica.loss_scaler();
    if (scaler == nullptr) {
        return;
    }
    std::string state;
    mpi::on_root(ranks, [&] {
        const Json saved = read_json(folder / "state.json");
        state = saved.contains("loss_scale") ? saved.at("loss_scale").dump() : std::string();
    });
    auto length = static_cast<std::uint64_t>(state.size());
    ranks.broadcast(std::as_writable_bytes(std::span(&length, 1)));
    state.resize(length);
    ranks.broadcast(std::as_writable_bytes(std::span(state.data(), state.size())));
    if (!state.empty()) {
        scaler->restore(Json::parse(state), "checkpoint " + folder.string());
    }
}

}  // namespace

RunCounters restore(train::Replica& replica, const fs::path& folder,
                    const mpi::Communicator& ranks) {
    const at::NoGradGuard no_grad;
    const Counters counters = read_counters(folder, ranks);
    const Step step(counters.step);
    FileTargets weights{"model.safetensors", {}};
    for (const auto& [name, tensor] : replica.named_parameters()) {
        if (!is_skipped("model", step, ranks)) {
            weights.tensors.push_back({name, tensor});
        }
    }
    FileTargets moments{"optimizer.safetensors", {}};
    for (checkpoint::TensorPart& part : state_parts(replica.optimizer())) {
        if (!is_skipped(kind_of(part.name), step, ranks)) {
            moments.tensors.push_back(std::move(part));
        }
    }
    read_together(folder, {weights, moments}, ranks);
    if (!is_skipped("optimizer_steps", step, ranks)) {
        replica.optimizer().set_steps_taken(counters.optimizer_steps);
    }
    if (!is_skipped("loss_scale", step, ranks)) {
        restore_loss_scale(replica, folder, ranks);
    }
    if (replica.elastic() != nullptr && !is_skipped("elastic", step, ranks)) {
        restore_elastic(replica, folder, ranks);
    }
    RunCounters restored{.step = Step(counters.step),
                         .skipped = counters.skipped,
                         .data_shift = Step(counters.data_shift)};
    if (counters.run_seconds >= 0) {
        restored.time = Seconds(counters.run_seconds);
    }
    return restored;
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
void check_settings(const PretrainOptions& options, const corpus::Manifest& manifest,
                    const fs::path& folder) {
    const std::string where = "checkpoint " + folder.string();
    const Json saved = read_json(folder / "state.json");
    if (json_member<int>(saved, "format_version", where) > kFormatVersion) {
        throw MismatchError(where + " was written by a newer version (format " +
                            saved.at("format_version").dump() + ", this program reads up to " +
                            std::to_string(kFormatVersion) + "); use that version");
    }
    require_same_settings(json_member<Json>(saved, "settings", where),
                          fixed_settings(options, manifest), where);
}

}  // namespace

fs::path choose_resume_point(const PretrainOptions& options, const corpus::Manifest& manifest,
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
    mpi::on_root(ranks, [&] { check_settings(options, manifest, found->folder); });
    return found->folder;
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

}  // namespace hpml::tasks
