#pragma once

#include <string>

namespace hpml::h5 {

/// Of the library that runs, e.g. "1.10.8".
[[nodiscard]] std::string library_version();

}  // namespace hpml::h5
