#include "tasks/pretrain_checkpoint.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <optional>
#include <span>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "checkpoint/manifest.h"
#include "corpus/data_folder.h"
#include "tasks/sums_record.h"

namespace hpml::tasks {

namespace fs = std::filesystem;

namespace {

constexpr int kFormatVersion = 1;

void broadcast(const at::Tensor& values, const mpi::Communicator& ranks) {
    const at::Tensor host = values.cpu().contiguous();
    ranks.broadcast(std::as_writable_bytes(
        std::span(static_cast<char*>(host.data_ptr()), static_cast<std::size_t>(host.nbytes()))));
    if (!host.is_alias_of(values)) {
        values.copy_(host);
    }
}

}  // namespace

checkpoint::Contents checkpoint_contents(train::Replica& replica, Step step,
                                         const PretrainOptions& options,
                                         const corpus::Manifest& manifest) {
    checkpoint::Contents contents;
    contents.step = step;
    for (const auto& [name, tensor] : replica.named_parameters()) {
        contents.model.push_back({name, tensor});
    }
    for (const auto& [name, tensor] : replica.optimizer().state()) {
        contents.optimizer.push_back({name, tensor});
    }
    contents.state = {{"format_version", kFormatVersion},
                      {"step", step.value},
                      {"optimizer_steps", replica.optimizer().steps_taken()},
                      {"samples", step.value * options.global_batch},
                      {"micro_batch", options.micro_batch},
                      {"sums", sums_record(replica.communication(), replica.ranks())},
                      {"settings", fixed_settings(options, manifest)}};
    contents.config =
        model::config_to_json(model_of(options, manifest), model::Head::MaskedLm, options.dropout);
    contents.set_tokenizer(corpus::tokenizer_files(tokenizer_place(options), manifest),
                           contents.config.at("max_position_embeddings").get<std::int64_t>());
    return contents;
}

Step restore(train::Replica& replica, const fs::path& folder, const mpi::Communicator& ranks) {
    const at::NoGradGuard no_grad;
    const auto parameters = replica.named_parameters();
    const auto state = replica.optimizer().state();
    std::int64_t counters[2] = {0, 0};
    mpi::on_root(ranks, [&] {
        const std::string where = "checkpoint " + folder.string();
        const Json saved = read_json(folder / "state.json");
        counters[0] = json_member<std::int64_t>(saved, "step", where);
        counters[1] = json_member<std::int64_t>(saved, "optimizer_steps", where);
        const model::SafetensorsFile weights(folder / "model.safetensors");
        for (const auto& [name, tensor] : parameters) {
            weights.read_into(name, tensor);
        }
        const model::SafetensorsFile moments(folder / "optimizer.safetensors");
        for (const auto& [name, tensor] : state) {
            moments.read_into(name, tensor);
        }
    });
    broadcast(replica.arena().parameters(), ranks);
    for (const auto& [name, tensor] : state) {
        broadcast(tensor, ranks);
    }
    ranks.broadcast(std::as_writable_bytes(std::span(counters)));
    replica.optimizer().set_steps_taken(counters[1]);
    return Step(counters[0]);
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
checkpoint::Checkpoint named_checkpoint(const PretrainOptions& options, const Log& log) {
    const auto named = checkpoint::verify_checkpoint(without_last_slash(options.resume));
    const auto own = checkpoint::newest_checkpoint(options.run, log);
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
    std::string chosen;
    mpi::on_root(ranks, [&] {
        std::optional<checkpoint::Checkpoint> found;
        if (options.resume == "auto") {
            found = checkpoint::newest_checkpoint(options.run, log,
                                                  options.restart_from_scratch
                                                      ? checkpoint::IfNoneIsValid::StartOver
                                                      : checkpoint::IfNoneIsValid::Refuse);
        } else if (options.resume != "never") {
            found = named_checkpoint(options, log);
        }
        if (found) {
            check_settings(options, manifest, found->folder);
            chosen = found->folder.string();
        }
    });
    return ranks.broadcast(chosen);
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
