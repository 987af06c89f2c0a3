#pragma once

#include <filesystem>

#include "base/json.h"
#include "base/log.h"

namespace hpml::checkpoint {

/// A folder that a model can start from.
struct ModelFolder {
    std::filesystem::path folder;   ///< a tokenizer's files lie in it too
    std::filesystem::path weights;  ///< model.safetensors
    Json config;                    ///< config.json
};

/// Find the model in a RUN (its newest valid checkpoint), a CHECKPOINT (verified) or a folder as
/// Hugging Face saves it (verified if it has a manifest). Changes nothing in it: the run may still
/// be going on.
/// @throw MissingInputError saying which files such a folder needs, InputError
[[nodiscard]] ModelFolder resolve_model_folder(const std::filesystem::path& path, const Log& log);

}  // namespace hpml::checkpoint
