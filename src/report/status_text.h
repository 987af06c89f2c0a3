#pragma once

#include <filesystem>
#include <string>

namespace hpml {

/// What hpml_status shows: state, step, rates, last validation, slowest and fastest rank,
/// checkpoints, on one screen.
/// @throw InputError if status.json is damaged
[[nodiscard]] std::string status_text(const std::filesystem::path& run);

}  // namespace hpml
