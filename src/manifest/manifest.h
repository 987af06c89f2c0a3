#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/units.h"

namespace hpml::checkpoint {

/// Format 1 has one hash for a file, format 2 one for each of its pieces.
inline constexpr std::int64_t kFormatVersion = 2;
inline constexpr const char* kManifestName = "MANIFEST.json";

/// A stretch of a file and its XXH3-128.
struct Piece {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    Digest digest;

    friend bool operator==(const Piece&, const Piece&) = default;
};

/// One file of a checkpoint as its manifest records it.
struct ManifestFile {
    std::string name;
    Bytes bytes;
    std::vector<Piece> pieces;  ///< one behind the other, the first at 0, up to `bytes`
};

/// A file whose bytes have one hash.
[[nodiscard]] ManifestFile whole_file(std::string name, Bytes bytes, Digest digest);

/// MANIFEST.json: {"format_version", "step", "milestone" (if it is one), "files": [{"name",
/// "bytes", "pieces": [{"offset", "bytes", "xxh3_128"}]}], "manifest_xxh3_128"}, the last over the
/// document without it.
struct Manifest {
    Step step;
    std::vector<ManifestFile> files;
    std::string milestone = {};  ///< why it is kept for good; empty: it is not
    std::int64_t format = kFormatVersion;
};

[[nodiscard]] std::string manifest_text(const Manifest& manifest);
/// @throw InputError unless `text` is byte for byte what manifest_text would write, and for pieces
/// that leave a gap, overlap or reach beyond their file
[[nodiscard]] Manifest parse_manifest(const std::string& text, const std::string& where);
/// Of a checkpoint's folder. @throw InputError if there is none or it is damaged
[[nodiscard]] Manifest read_manifest(const std::filesystem::path& folder);

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
