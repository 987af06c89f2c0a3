#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/units.h"
#include "report/status.h"

namespace hpml {

/// One folder `checkpoints/step-NNNNNNNN` as far as a look at it tells; loading verifies the
/// hashes.
struct CheckpointEntry {
    std::string name;
    Bytes size;
    std::string state;  ///< "complete", "no MANIFEST.json" or "MANIFEST.json damaged"
};

/// All checkpoints of a run, oldest first; empty if there are none.
[[nodiscard]] std::vector<CheckpointEntry> list_checkpoints(const std::filesystem::path& run);

/// What hpml_status shows: state, step, rates, last validation, slowest and fastest rank,
/// checkpoints, on one screen.
/// @throw InputError if status.json is damaged
[[nodiscard]] std::string status_text(const std::filesystem::path& run);

}  // namespace hpml
