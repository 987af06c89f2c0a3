#pragma once

#include <string>

namespace hpml {

/// What a shell command prints on stdout, to its end; empty if no shell can be started. The command
/// bounds its own time (`timeout 5 ...`) and holds nothing that came from outside unchecked.
[[nodiscard]] std::string shell_output(const std::string& command);

}  // namespace hpml
