#include "comm/patience.h"

#include <algorithm>
#include <set>
#include <string>
#include <thread>

#include "base/clock.h"
#include "device/affinity.h"

namespace hpml::comm {

namespace {

/// Tells the processor that this is a waiting loop.
void relax() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace

bool Patience::is_over() noexcept {
    if (gave_up_ || spin_.value <= 0) {
        return true;
    }
    // The clock costs as much as a pause: it is asked now and then.
    constexpr std::uint32_t kPausesPerLook = 16;
    if (paused_++ % kPausesPerLook == 0) {
        const Seconds time = now();
        if (paused_ == 1) {
            began_ = time;
        }
        gave_up_ = time - began_ >= spin_;
    }
    return gave_up_;
}

void Patience::pause() noexcept {
    if (sleeps_) {
        std::this_thread::sleep_for(nap_);
        nap_ = std::min(2 * nap_, kLongestNap);
    } else if (is_over()) {
        std::this_thread::yield();
    } else {
        relax();
    }
}

Patience::Cores cores_of(const mpi::Communicator& node) {
    std::set<int> cores;
    for (const std::string& mask : node.all_gather(device::to_text(device::affinity_mask()))) {
        const auto of_rank = device::cores_from_text(mask);
        cores.insert(of_rank.begin(), of_rank.end());
    }
    return node.size() <= static_cast<int>(cores.size()) ? Patience::Cores::OwnEach
                                                         : Patience::Cores::Shared;
}

}  // namespace hpml::comm
