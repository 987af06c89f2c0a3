#pragma once

#include <string>

namespace hpml {

struct BuildInfo {
    std::string version;       ///< "0.1.0"
    std::string git_revision;  ///< short hash, "-dirty" behind it if the tree was changed;
                               ///< "unknown" without git
    std::string compiler;
    std::string build_type;
};

[[nodiscard]] BuildInfo build_info();

}  // namespace hpml
