#pragma once

#include <chrono>
#include <string>

#include "base/units.h"

namespace hpml {

/// Monotonic time since an arbitrary start; only for durations.
[[nodiscard]] inline Seconds now() {
    return Seconds(
        std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

/// Seconds since construction.
class Stopwatch {
  public:
    Stopwatch() : start_(now()) {}
    [[nodiscard]] Seconds elapsed() const { return now() - start_; }

  private:
    Seconds start_;
};

/// "2026-11-21T10:15:00Z", for labels only.
[[nodiscard]] std::string utc_timestamp();

}  // namespace hpml
