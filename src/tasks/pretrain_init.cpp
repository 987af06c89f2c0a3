#include "tasks/pretrain_init.h"

#include <ATen/core/grad_mode.h>

#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "checkpoint/folder.h"
#include "checkpoint/load.h"
#include "corpus/data_folder.h"
#include "manifest/manifest.h"
#include "model/safetensors.h"
#include "mpi/root_text.h"
#include "tasks/shared_checkpoint.h"
#include "tasks/state_parts.h"

namespace hpml::tasks {

namespace {

/// Nothing of the other run is changed: it may still be going on.
std::filesystem::path find_checkpoint(const std::filesystem::path& place, const Log& log) {
    if (!std::filesystem::exists(place / checkpoint::kManifestName) &&
        !std::filesystem::is_directory(checkpoint::checkpoints_of(place))) {
        throw InputError("--init-from " + place.string() +
                         " is neither a checkpoint, nor a run with one, nor a Hugging Face folder "
                         "with model.safetensors (a new run would begin with other weights than "
                         "asked for); name one of them");
    }
    return checkpoint::resolve_model_folder(place, log).folder;
}

/// A model that another program has saved: no manifest, names as they were at some time, no
/// optimizer.
bool is_hugging_face_folder(const std::filesystem::path& place) {
    return std::filesystem::exists(place / "model.safetensors") &&
           !std::filesystem::exists(place / checkpoint::kManifestName);
}

/// @throw InputError unless the folder holds this encoder and the corpus's tokenizer
void require_same_model(const checkpoint::ModelFolder& found, const PretrainOptions& options,
                        model::ModelConfig wanted) {
    model::ModelConfig there =
        model::config_from_json(found.config, (found.folder / "config.json").string());
    there.labels = wanted.labels;
    there.initializer_range = wanted.initializer_range;
    if (there != wanted) {
        throw InputError("--init-from " + found.folder.string() +
                         " holds another encoder than --model " + options.model +
                         " with this corpus's vocabulary (the weights would not fit, or compute "
                         "something else); take --model " +
                         (found.folder / "config.json").string() +
                         ", and a corpus that was prepared with the tokenizer beside it");
    }
    const auto tokenizer = corpus::load_row_tokenizer(found.folder, text::CaseChoice::Auto);
    const auto ours = corpus::load_row_tokenizer(tokenizer_place(options), text::CaseChoice::Auto);
    if (tokenizer->hash() != ours->hash()) {
        throw InputError("the tokenizer of " + found.folder.string() + " is not that of " +
                         tokenizer_place(options).string() +
                         " (its ids would mean other words); prepare the corpus again with "
                         "hpml_prepare --vocab " +
                         found.folder.string());
    }
}

/// On one rank. @throw InputError
void read_hugging_face_folder(const PretrainOptions& options, train::Replica& replica,
                              const Log& log) {
    const checkpoint::ModelFolder found = checkpoint::resolve_model_folder(options.init_from, log);
    if (options.init_moments) {
        throw InputError("--init-moments, but " + found.folder.string() +
                         " holds no optimizer state (another program's folders never do); leave "
                         "--init-moments out");
    }
    require_same_model(found, options, replica.bert().config());
    const auto report = checkpoint::load_parameters(model::SafetensorsFile(found.weights),
                                                    replica.named_parameters());
    if (!report.fresh.empty()) {
        throw InputError(found.weights.string() + " has no tensor " + report.fresh.front() +
                         " (it would stay random); name a folder with a masked-language-model "
                         "head");
    }
}

void broadcast(const at::Tensor& values, const mpi::Communicator& ranks) {
    const at::Tensor host = values.cpu().contiguous();
    ranks.broadcast(std::as_writable_bytes(
        std::span(static_cast<char*>(host.data_ptr()), static_cast<std::size_t>(host.nbytes()))));
    if (!host.is_alias_of(values)) {
        values.copy_(host);
    }
}

}  // namespace

std::string initialize_from(const PretrainOptions& options, train::Replica& replica,
                            const PretrainContext& context) {
    const at::NoGradGuard no_grad;
    const std::string folder = mpi::text_of_root(context.ranks, [&] {
        if (is_hugging_face_folder(options.init_from)) {
            read_hugging_face_folder(options, replica, context.log);
            return std::string();
        }
        return find_checkpoint(options.init_from, context.log).string();
    });
    if (folder.empty()) {
        broadcast(replica.arena().parameters(), context.ranks);
        return options.init_from;
    }
    FileTargets weights{"model.safetensors", {}};
    for (const auto& [name, tensor] : replica.named_parameters()) {
        weights.tensors.push_back({name, tensor});
    }
    std::vector<FileTargets> files{std::move(weights)};
    if (options.init_moments) {
        files.push_back({"optimizer.safetensors", state_parts(replica.optimizer())});
    }
    read_together(folder, files, context.ranks);
    return folder;
}

}  // namespace hpml::tasks
