#pragma once

#include <mutex>

namespace hpml::h5 {

/// Debian's HDF5 is not thread-safe: whoever opens a file while other threads may do so, too, holds
/// this meanwhile.
[[nodiscard]] std::unique_lock<std::mutex> lock_library();

}  // namespace hpml::h5
