#pragma once

#include <filesystem>
#include <string>

namespace hpml {

/// A file of jobs/ beside this executable: share/hpml/jobs of an installed tree, wherever it was
/// moved, or jobs/ of the source tree that it was built in. Empty if there is none.
[[nodiscard]] std::filesystem::path default_config_file(const std::string& name);

}  // namespace hpml
