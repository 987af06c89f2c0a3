#include "report/checkpoint_entry.h"

#include <system_error>

#include "base/error.h"

namespace hpml {

namespace fs = std::filesystem;

std::optional<CheckpointEntry> checkpoint_entry(const fs::path& folder) {
    CheckpointEntry entry{folder.filename().string(), "complete", std::nullopt};
    try {
        entry.manifest = checkpoint::read_manifest(folder);
    } catch (...) {  // a folder that nobody may look into is none of the other lines' matter
        const Described failure = describe_current_exception();
        std::error_code ignored;
        if (!fs::exists(folder, ignored) && !ignored) {
            return std::nullopt;
        }
        const bool has_none = !fs::exists(folder / checkpoint::kManifestName, ignored) && !ignored;
        entry.state = failure.code != ExitCode::Input ? "cannot be read"
                      : has_none                      ? "no MANIFEST.json"
                                                      : "damaged";
    }
    return entry;
}

}  // namespace hpml
