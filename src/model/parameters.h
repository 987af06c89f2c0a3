#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/config.h"

namespace hpml::model {

enum class Init { Normal, Zeros, Ones };  ///< Normal: mean 0, deviation initializer_range

/// One parameter under its Hugging Face name, as checkpoints hold it and optimizers see it.
struct ParameterSpec {
    std::string name;
    std::vector<std::int64_t> shape;
    Init init = Init::Normal;
    bool decay = true;  ///< weight decay; false for biases and norms

    [[nodiscard]] std::int64_t count() const;
};

/// What autograd sees as one leaf tensor: one parameter, or several stacked along the first
/// dimension (query, key and value, so that one matrix product serves all three). The parts lie
/// next to each other in memory.
struct LeafSpec {
    std::vector<ParameterSpec> parts;

    [[nodiscard]] std::vector<std::int64_t> shape() const;
    [[nodiscard]] std::int64_t count() const;
};

/// All leaves of a model in forward order; the order in which `Bert` takes its tensors.
[[nodiscard]] std::vector<LeafSpec> leaf_specs(const ModelConfig& config, Head head);

}  // namespace hpml::model
