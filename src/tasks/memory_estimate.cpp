#include "tasks/memory_estimate.h"

#include <cmath>

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

}  // namespace hpml::tasks
