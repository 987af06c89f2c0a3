#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"

namespace hpml {

/// Keeps a start from writing into a run directory that a later start has taken over: every step
/// may ask, for the file system is not asked each time. Rank 0 only.
class RunFence {
  public:
    /// @param is_current  whether no later start has begun, as RunLock says it; an Error that it
    ///        throws is warned of once and settles nothing
    /// @param log  outlives this
    /// @param interval  how long an answer holds: a job that slept through its own replacement
    ///        finds it old, and asks
    RunFence(std::filesystem::path run, std::function<bool()> is_current, const Log& log,
             Seconds interval = Seconds(2.0));

    /// Whether this start may write. Once closed it stays so, which is warned of once.
    [[nodiscard]] bool is_open();
    /// The same, asked now: before what is written once and for all.
    [[nodiscard]] bool is_open_now();

  private:
    std::filesystem::path run_;
    std::function<bool()> is_current_;
    const Log& log_;
    Seconds interval_;
    std::optional<Seconds> last_asked_;
    bool is_closed_ = false;
    bool has_warned_ = false;
};

}  // namespace hpml
