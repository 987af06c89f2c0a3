#pragma once

#include <filesystem>
#include <string>

namespace hpml {

/// All checkpoints of a run, as their manifests tell: step, size, whether one is kept for good.
[[nodiscard]] std::string checkpoints_text(const std::filesystem::path& run);

struct VerifiedText {
    std::string text;
    bool all_valid = true;
};
/// Every byte of every checkpoint of a run, or of one checkpoint, against its manifest.
/// @throw MissingInputError if there is none
[[nodiscard]] VerifiedText verified_text(const std::filesystem::path& run_or_checkpoint);

/// What differs between two checkpoints, verified first: settings, and for each tensor the largest
/// difference and how many elements differ.
/// @throw InputError if one is not valid
[[nodiscard]] std::string difference_text(const std::filesystem::path& a,
                                          const std::filesystem::path& b);

}  // namespace hpml
