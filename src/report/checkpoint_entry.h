#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "manifest/manifest.h"

namespace hpml {

/// A checkpoint's folder as far as a look at its manifest tells; only reading all its bytes tells
/// that it is valid.
struct CheckpointEntry {
    std::string name;
    /// "complete", "no MANIFEST.json", "damaged" (the manifest is, or it is another step's) or
    /// "cannot be read"
    std::string state;
    std::optional<checkpoint::Manifest> manifest;  ///< of a complete one
};

/// @return nothing for a folder that is gone: a running job removes its older checkpoints
[[nodiscard]] std::optional<CheckpointEntry> checkpoint_entry(const std::filesystem::path& folder);

}  // namespace hpml
