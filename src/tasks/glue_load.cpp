#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "checkpoint/load.h"
#include "model/safetensors.h"
#include "mpi/communicator.h"
#include "tasks/glue_start.h"

namespace hpml::tasks {
namespace {

/// A task's own layers: missing in a pretrained model, or another task's.
bool is_head(const std::string& name) {
    return name.starts_with("classifier.") || name.starts_with("bert.pooler.");
}

/// Whether the file holds a head for another number of labels.
bool is_another_tasks(const model::SafetensorsFile& file, const std::string& name,
                      const at::Tensor& tensor) {
    const auto found = file.entries().find(name);
    return name.starts_with("classifier.") && found != file.entries().end() &&
           found->second.shape != tensor.sizes().vec();
}

checkpoint::LoadReport load(const std::filesystem::path& path,
                            const checkpoint::NamedViews& parameters) {
    const at::NoGradGuard no_grad;
    const model::SafetensorsFile file(path);
    checkpoint::NamedViews wanted;
    std::vector<std::string> other_heads;
    for (const auto& [name, tensor] : parameters) {
        if (is_another_tasks(file, name, tensor)) {
            other_heads.push_back(name);
        } else {
            wanted.emplace_back(name, tensor);
        }
    }
    checkpoint::LoadReport report = checkpoint::load_parameters(file, wanted);
    const auto missing = std::ranges::find_if_not(report.fresh, is_head);
    if (missing != report.fresh.end()) {
        throw InputError(path.string() + " has no tensor " + *missing +
                         " (an encoder with random parts is not what was trained); name a folder "
                         "whose config.json and model.safetensors belong together");
    }
    report.fresh.insert(report.fresh.end(), other_heads.begin(), other_heads.end());
    return report;
}

void broadcast_from_root(const at::Tensor& values, const mpi::Communicator& ranks) {
    const at::NoGradGuard no_grad;
    const at::Tensor host = values.cpu().contiguous();
    ranks.broadcast(std::as_writable_bytes(
        std::span(static_cast<char*>(host.data_ptr()), static_cast<std::size_t>(host.nbytes()))));
    if (!host.is_alias_of(values)) {
        values.copy_(host);
    }
}

std::string names(const std::vector<std::string>& list) {
    return list.empty() ? "none" : fmt::format("{}", fmt::join(list, ", "));
}

}  // namespace

std::string load_start(const GlueStart& start, train::Replica& replica,
                       const mpi::Communicator& ranks) {
    if (start.weights.empty()) {
        return "all weights are new (random, of the seed)";
    }
    checkpoint::LoadReport report;
    mpi::on_root(ranks, [&] { report = load(start.weights, replica.named_parameters()); });
    broadcast_from_root(replica.arena().parameters(), ranks);
    return fmt::format("{}: {} tensors loaded; new (random): {}; ignored: {}",
                       start.weights.string(), report.loaded.size(), names(report.fresh),
                       names(report.ignored));
}

}  // namespace hpml::tasks
