#include "tasks/memory_estimate.h"

#include <algorithm>
#include <cmath>

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

}  // namespace hpml::tasks
