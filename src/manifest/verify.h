#pragma once

#include <filesystem>
#include <vector>

#include "manifest/manifest.h"
#include "manifest/share.h"

namespace hpml::checkpoint {

/// A folder `step-NNNNNNNN` as a listing finds it.
struct StepFolder {
    Step step;
    std::filesystem::path folder;
};

/// Valid or not, by step, oldest first. @throw IoError
[[nodiscard]] std::vector<StepFolder> step_folders(const std::filesystem::path& run);

/// Look at all files that `manifest` lists: that they are plain files of the right size, and at the
/// hashes of the share's own pieces.
/// @throw InputError naming the file, what was expected and what was found; IoError
void verify_files(const std::filesystem::path& folder, const Manifest& manifest, Share share = {});

}  // namespace hpml::checkpoint
