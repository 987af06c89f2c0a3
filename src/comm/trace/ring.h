#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "comm/trace/record.h"

namespace hpml::comm {

/// Records on their way from the threads that work to the one that writes them: a fixed ring
/// (D. Vyukov's bounded queue) into which several threads push and from which one pops. Nobody
/// waits for anybody: a full ring refuses.
class TraceRing {
  public:
    /// @param capacity  a power of two; all its memory is touched here
    explicit TraceRing(std::size_t capacity) : slots_(capacity), mask_(capacity - 1) {
        expects(std::has_single_bit(capacity), "a ring whose size is a power of two");
        for (std::size_t i = 0; i < capacity; ++i) {
            slots_[i].turn.store(i, std::memory_order_relaxed);
        }
    }

    /// @return false: full, the record is lost
    bool push(const TraceRecord& record) noexcept {
        std::uint64_t at = pushed_.load(std::memory_order_relaxed);
        while (true) {
            Slot& slot = slots_[at & mask_];
            const std::uint64_t turn = slot.turn.load(std::memory_order_acquire);
            if (turn == at) {
                if (pushed_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
                    slot.record = record;
                    slot.turn.store(at + 1, std::memory_order_release);
                    return true;
                }
            } else if (turn < at) {
                return false;
            } else {
                at = pushed_.load(std::memory_order_relaxed);
            }
        }
    }

    /// By one thread. @return whether there was one
    bool pop(TraceRecord& record) noexcept {
        Slot& slot = slots_[popped_ & mask_];
        if (slot.turn.load(std::memory_order_acquire) != popped_ + 1) {
            return false;
        }
        record = slot.record;
        slot.turn.store(popped_ + slots_.size(), std::memory_order_release);
        ++popped_;
        return true;
    }

  private:
    struct Slot {
        std::atomic<std::uint64_t> turn{0};
        TraceRecord record;
    };
    std::vector<Slot> slots_;
    std::uint64_t mask_;
    alignas(64) std::atomic<std::uint64_t> pushed_{0};
    alignas(64) std::uint64_t popped_ = 0;
};

}  // namespace hpml::comm
