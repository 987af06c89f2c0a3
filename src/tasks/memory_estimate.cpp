#include "tasks/memory_estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "manifest/manifest.h"
#include "model/activation_memory.h"
#include "model/parameters.h"

namespace hpml::tasks {

namespace {

constexpr double kFloat = 4;

/// LibTorch, MKL, MPI and HDF5 of one process before any tensor is made: 150 MB where it is alone
/// on its node, half of which are pages of libraries that the ranks of a node share.
constexpr double kProcess = 115e6;

/// Floats that the optimizer keeps for one parameter.
double state_of(const optim::OptimizerOptions& options, const model::ParameterSpec& part) {
    const auto count = static_cast<double>(part.count());
    const double first = options.first_moment == optim::FirstMoment::BF16 ? 0.5 : 1.0;
    if (options.name == "sgd") {
        return options.momentum.value_or(1.0) > 0.0 ? count : 0.0;
    }
    if (options.name == "muon") {
        return optim::is_hidden_matrix(part.name, part.shape) ? count : 2.0 * count;
    }
    if (options.name != "adafactor") {
        return (1.0 + first) * count;
    }
    return (part.shape.size() < 2 ? count : static_cast<double>(part.shape[0] + part.shape[1])) +
           (options.adafactor_momentum ? count : 0.0);
}

double optimizer_state(const PretrainOptions& options, const model::ModelConfig& config) {
    double elements = 0;
    for (const auto& leaf : model::leaf_specs(config, model::Head::MaskedLm)) {
        for (const auto& part : leaf.parts) {
            elements += state_of(options.optimizer, part);
        }
    }
    return elements;
}

}  // namespace

Bytes MemoryEstimate::total() const {
    Bytes sum;
    for (const auto& [name, bytes] : parts) {
        sum += bytes;
    }
    return sum;
}

MemoryEstimate estimate_memory(const PretrainOptions& options, const model::ModelConfig& config,
                               std::int64_t row_tokens, int ranks) {
    const auto bytes = [](double floats) {
        return Bytes(static_cast<std::uint64_t>(floats * kFloat));
    };
    const double parameters =
        static_cast<double>(model::parameter_count(config, model::Head::MaskedLm));
    // About: a shard of Adafactor or Muon ends between whole tensors.
    const double share = options.zero1 ? 1.0 / std::max(1, ranks) : 1.0;
    model::ActivationShape shape;
    shape.tokens = options.micro_batch * row_tokens;
    shape.longest = row_tokens;
    shape.labels = static_cast<std::int64_t>(
        std::ceil(static_cast<double>(shape.tokens) * options.masking_rate));
    shape.threads = std::max(1, options.threads);
    shape.dropout = options.dropout > 0;
    return {{{"process and libraries", Bytes(static_cast<std::uint64_t>(kProcess))},
             {"parameters", bytes(parameters)},
             {"gradients", bytes(parameters)},
             {"optimizer state (" + options.optimizer.name + ")",
              bytes(share * optimizer_state(options, config))},
             {"activations of a micro-batch",
              model::activation_memory(config, shape, options.activation_checkpointing)}}};
}

Bytes estimate_checkpoint(const PretrainOptions& options, const model::ModelConfig& config) {
    const double parameters =
        static_cast<double>(model::parameter_count(config, model::Head::MaskedLm));
    return Bytes(
        static_cast<std::uint64_t>((parameters + optimizer_state(options, config)) * kFloat));
}

std::string SpaceEstimate::explain() const {
    const auto megabytes = [](Bytes bytes) { return static_cast<double>(bytes.value) / 1e6; };
    return fmt::format(
        "{} has {:.1f} MB free, the {} checkpoints still to be kept or written need {:.1f} MB "
        "(saves would fail); free some space, choose another --run folder or lower "
        "--keep-checkpoints",
        folder.string(), megabytes(available), to_come, megabytes(needed));
}

SpaceEstimate estimate_space(const PretrainOptions& options, const model::ModelConfig& config) {
    SpaceEstimate space;
    space.folder = std::filesystem::absolute(checkpoint::checkpoints_of(options.run));
    while (!std::filesystem::exists(space.folder) && space.folder.has_relative_path()) {
        space.folder = space.folder.parent_path();
    }
    const auto held = static_cast<std::int64_t>(checkpoint::list_checkpoints(options.run).size());
    const std::int64_t planned = options.checkpoint_every > 0
                                     ? (options.budget.steps - 1) / options.checkpoint_every + 1
                                     : std::int64_t{1};
    const std::int64_t kept = std::min(options.keep_checkpoints + 1, planned);
    space.to_come = std::max<std::int64_t>(1, kept - held);
    space.needed = Bytes(static_cast<std::uint64_t>(space.to_come) *
                         estimate_checkpoint(options, config).value);
    space.available = free_space(space.folder);
    return space;
}

}  // namespace hpml::tasks
