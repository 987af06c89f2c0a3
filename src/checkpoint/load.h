#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "model/safetensors.h"

namespace hpml::checkpoint {

/// What became of each tensor, in the order of the model's parameters (`ignored`: of the file's
/// names).
struct LoadReport {
    std::vector<std::string> loaded;
    std::vector<std::string> fresh;    ///< in the model, not in the file: left as they were
    std::vector<std::string> ignored;  ///< in the file, not in the model
};

using NamedViews = std::vector<std::pair<std::string, at::Tensor>>;

/// Copy a file's tensors into a model's parameters by name. Also found: names without (or with) the
/// leading "bert." or "roberta.", LayerNorm.gamma and LayerNorm.beta of old files, and the
/// decoder's bias under its tied name. Buffers (position_ids, token_type_ids) and the tied decoder
/// weight are passed over.
/// @throw InputError if a tensor has another shape, or if the file has none of the parameters
LoadReport load_parameters(const model::SafetensorsFile& file, const NamedViews& parameters);

/// Copy exactly: every name must be in the file and nothing else may be. For resuming.
/// @throw InputError naming the first difference
void load_exactly(const model::SafetensorsFile& file, const NamedViews& tensors);

}  // namespace hpml::checkpoint
