#pragma once

#include <filesystem>
#include <optional>

#include "base/units.h"

namespace hpml::device {

/// What this process holds and what it may still take.
struct MemoryReport {
    Bytes resident;              ///< pages in memory, shared ones counted in full (Rss)
    Bytes proportional;          ///< shared pages divided by their users (Pss); sums up over ranks
    Bytes peak;                  ///< most that was ever resident (VmHWM)
    Bytes available;             ///< what the machine could give before it swaps (MemAvailable)
    std::optional<Bytes> limit;  ///< of the control group, the tightest on the way up
    std::optional<Bytes> limit_used;  ///< taken from that limit by all processes of the group
};

/// Local; needs no MPI. A value that this kernel does not tell is 0 or absent: a report never ends
/// a run.
[[nodiscard]] MemoryReport memory_report();

/// Most that can still be allocated: available memory, or less where a control group is tighter.
[[nodiscard]] Bytes headroom(const MemoryReport& report);

/// The same from another root, with `proc/` and `sys/fs/cgroup/` below it; for tests.
[[nodiscard]] MemoryReport memory_report_below(const std::filesystem::path& root);

}  // namespace hpml::device
