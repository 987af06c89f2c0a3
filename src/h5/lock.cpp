#include "h5/lock.h"

namespace hpml::h5 {

std::unique_lock<std::mutex> lock_library() {
    // One for the process, as the library's own state is.
    static std::mutex mutex;
    return std::unique_lock(mutex);
}

}  // namespace hpml::h5
