#pragma once

#include <string>

#include "base/units.h"

namespace hpml {

/// For people: "1.33 GB", "42.5 MB", "0.004 MB"; see base/megabytes.h.
[[nodiscard]] std::string size_text(Bytes size);

}  // namespace hpml
