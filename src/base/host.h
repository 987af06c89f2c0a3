#pragma once

#include <string>

namespace hpml {

/// The name of this machine as the kernel knows it; "unknown" if it tells none.
[[nodiscard]] std::string host_name();

}  // namespace hpml
