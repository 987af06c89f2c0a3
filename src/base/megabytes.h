#pragma once

#include "base/units.h"

namespace hpml {

/// For people: millions of bytes, as disks and memory are sold by.
constexpr double megabytes(Bytes size) { return static_cast<double>(size.value) / 1e6; }
constexpr double gigabytes(Bytes size) { return static_cast<double>(size.value) / 1e9; }

}  // namespace hpml
