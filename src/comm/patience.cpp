#include "comm/patience.h"

#include <set>
#include <string>
#include <thread>

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

void Patience::pause() noexcept {
    if (paused_ < spins_) {
        ++paused_;
        relax();
    } else {
        std::this_thread::yield();
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
