#pragma once

#include <cstddef>

#include "checkpoint/file_image.h"

namespace hpml::checkpoint {

/// Whether all numbers of a source are finite; what holds no numbers is.
[[nodiscard]] bool is_finite(const Source& source);

}  // namespace hpml::checkpoint
