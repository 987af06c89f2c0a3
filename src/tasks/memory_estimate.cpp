#include "tasks/memory_estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/manifest.h"
#include "model/parameters.h"

namespace hpml::tasks {

namespace {

constexpr double kFloat = 4;

/// LibTorch, MKL, MPI and HDF5 of one process before any tensor is made.
constexpr double kProcess = 250e6;

double optimizer_state(const PretrainOptions& options, const model::ModelConfig& config) {
    if (options.optimizer.name != "adafactor") {
        return 2.0 * static_cast<double>(model::parameter_count(config, model::Head::MaskedLm));
    }
    double elements = 0;
    for (const auto& leaf : model::leaf_specs(config, model::Head::MaskedLm)) {
        for (const auto& part : leaf.parts) {
            elements += part.shape.size() < 2 ? static_cast<double>(part.count())
                                              : static_cast<double>(part.shape[0] + part.shape[1]);
        }
    }
    return elements;
}

/// Floats that one token keeps per layer until the backward pass: queries, keys, values (3),
/// attention output and its projection (2), two residual sums and two norms (4), the wide layer
/// before and after GELU (2 x ratio), its projection (1); with dropout a mask and a product at two
/// sites (4), and the attention probabilities, their mask and product.
double layer_floats(const PretrainOptions& options, const model::ModelConfig& config,
                    double row_tokens) {
    const double hidden = static_cast<double>(config.hidden_size);
    const double wide = static_cast<double>(config.intermediate_size);
    double floats = 10 * hidden + 2 * wide;
    if (options.dropout > 0) {
        floats += 4 * hidden + 3 * static_cast<double>(config.heads) * row_tokens;
    }
    return floats;
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
                               std::int64_t row_tokens) {
    const auto bytes = [](double floats) {
        return Bytes(static_cast<std::uint64_t>(floats * kFloat));
    };
    const double parameters =
        static_cast<double>(model::parameter_count(config, model::Head::MaskedLm));
    const double row = static_cast<double>(row_tokens);
    const double tokens = static_cast<double>(options.micro_batch) * row;
    const double vocabulary = static_cast<double>(config.vocabulary_size);
    const double labels = std::ceil(tokens * options.masking_rate);
    // Logits, their log-softmax and its gradient, at the masked positions only; the gradients of
    // the tied word embeddings from the decoder and from the embedding, before they are added to
    // the arena.
    const double head =
        3 * labels * vocabulary + 2 * vocabulary * static_cast<double>(config.hidden_size);
    return {{{"process and libraries", Bytes(static_cast<std::uint64_t>(kProcess))},
             {"parameters", bytes(parameters)},
             {"gradients", bytes(parameters)},
             {"optimizer state (" + options.optimizer.name + ")",
              bytes(optimizer_state(options, config))},
             {"activations of a micro-batch", bytes(tokens * static_cast<double>(config.layers) *
                                                    layer_floats(options, config, row))},
             {"embeddings and masked-language head",
              bytes(head + 4 * tokens * static_cast<double>(config.hidden_size))}}};
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
                                     ? (options.steps - 1) / options.checkpoint_every + 1
                                     : std::int64_t{1};
    const std::int64_t kept = std::min(options.keep_checkpoints + 1, planned);
    space.to_come = std::max<std::int64_t>(1, kept - held);
    space.needed = Bytes(static_cast<std::uint64_t>(space.to_come) *
                         estimate_checkpoint(options, config).value);
    space.available = free_space(space.folder);
    return space;
}

}  // namespace hpml::tasks
