#include "tasks/pretrain_init.h"

#include <ATen/core/grad_mode.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "base/error.h"
#include "checkpoint/folder.h"
#include "manifest/manifest.h"
#include "tasks/shared_checkpoint.h"
#include "tasks/state_parts.h"

namespace hpml::tasks {

namespace {

/// Nothing of the other run is changed: it may still be going on.
std::filesystem::path find_checkpoint(const std::filesystem::path& place, const Log& log) {
    if (!std::filesystem::exists(place / checkpoint::kManifestName) &&
        !std::filesystem::is_directory(checkpoint::checkpoints_of(place))) {
        throw InputError("--init-from " + place.string() +
                         " is neither a checkpoint nor a run with one (a new run would begin with "
                         "other weights than asked for); name one of them");
    }
    return checkpoint::resolve_model_folder(place, log).folder;
}

}  // namespace

std::string initialize_from(const PretrainOptions& options, train::Replica& replica,
                            const PretrainContext& context) {
    const at::NoGradGuard no_grad;
    std::string folder;
    mpi::on_root(context.ranks,
                 [&] { folder = find_checkpoint(options.init_from, context.log).string(); });
    folder = context.ranks.broadcast(std::move(folder));
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
