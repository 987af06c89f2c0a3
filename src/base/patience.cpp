#include "base/patience.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace hpml {

bool Patience::wait() {
    if (left_ <= Seconds(0)) {
        return false;
    }
    const Seconds now(std::min(next_.value, left_.value));
    std::this_thread::sleep_for(std::chrono::duration<double>(now.value));
    left_ = left_ - now;
    next_ = Seconds(2 * next_.value);
    return true;
}

}  // namespace hpml
