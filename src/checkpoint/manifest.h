#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/units.h"

namespace hpml::checkpoint {

inline constexpr std::int64_t kFormatVersion = 1;
inline constexpr const char* kManifestName = "MANIFEST.json";

/// One file of a checkpoint as its manifest records it.
struct ManifestFile {
    std::string name;
    Bytes bytes;
    Digest digest;
};

/// MANIFEST.json: {"format_version", "step", "files": [{"name", "bytes", "xxh3_128"}],
/// "manifest_xxh3_128"}, the last over the document without it.
struct Manifest {
    Step step;
    std::vector<ManifestFile> files;
};

[[nodiscard]] std::string manifest_text(const Manifest& manifest);
/// @throw InputError unless `text` is byte for byte what manifest_text would write
[[nodiscard]] Manifest parse_manifest(const std::string& text, const std::string& where);

/// Of all files that it lists.
[[nodiscard]] Bytes total_size(const Manifest& manifest);

/// "step-00012000".
[[nodiscard]] std::string step_name(Step step);
/// The step of such a name; nothing for any other name.
[[nodiscard]] std::optional<Step> step_of(const std::string& name);
/// The folder `checkpoints` of a run.
[[nodiscard]] inline std::filesystem::path checkpoints_of(const std::filesystem::path& run) {
    return run / "checkpoints";
}

}  // namespace hpml::checkpoint
