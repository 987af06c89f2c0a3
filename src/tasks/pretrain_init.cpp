#include "tasks/pretrain_init.h"

#include <ATen/core/grad_mode.h>

#include <filesystem>
#include <vector>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "model/safetensors.h"
#include "tasks/pretrain_checkpoint.h"

namespace hpml::tasks {

namespace {

std::filesystem::path find_checkpoint(const std::filesystem::path& place, const Log& log) {
    if (std::filesystem::exists(place / "MANIFEST.json")) {
        return checkpoint::verify_checkpoint(place).folder;
    }
    const auto newest = checkpoint::newest_checkpoint(place, log);
    if (!newest) {
        throw InputError("--init-from " + place.string() +
                         " is neither a checkpoint nor a run with one (a new run would begin with "
                         "other weights than asked for); name one of them");
    }
    return newest->folder;
}

}  // namespace

std::string initialize_from(const PretrainOptions& options, train::Replica& replica,
                            const PretrainContext& context) {
    const at::NoGradGuard no_grad;
    const auto parameters = replica.named_parameters();
    const auto state =
        options.init_moments ? replica.optimizer().state() : std::vector<optim::StateTensor>();
    std::string folder;
    mpi::on_root(context.ranks, [&] {
        const std::filesystem::path found = find_checkpoint(options.init_from, context.log);
        const model::SafetensorsFile weights(found / "model.safetensors");
        for (const auto& [name, tensor] : parameters) {
            weights.read_into(name, tensor);
        }
        if (!state.empty()) {
            const model::SafetensorsFile moments(found / "optimizer.safetensors");
            for (const auto& piece : state) {
                moments.read_into(piece.name, piece.tensor);
            }
        }
        folder = found.string();
    });
    broadcast_tensor(replica.arena().parameters(), context.ranks);
    for (const auto& piece : state) {
        broadcast_tensor(piece.tensor, context.ranks);
    }
    return context.ranks.broadcast(folder);
}

}  // namespace hpml::tasks
