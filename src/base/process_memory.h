#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/units.h"

namespace hpml {

/// What this process holds and what it may still take.
struct MemoryReport {
    Bytes resident;   ///< pages in memory, shared ones counted in full (VmRSS)
    Bytes peak;       ///< most that was ever resident (VmHWM)
    Bytes machine;    ///< all that the machine has (MemTotal)
    Bytes available;  ///< what the machine could give before it swaps (MemAvailable)
    std::optional<Bytes> address_limit;  ///< of this process's addresses (ulimit -v)
    std::optional<Bytes> limit;          ///< of the control group, the tightest on the way up
    std::optional<Bytes> limit_used;     ///< taken from that limit by all processes of the group
};

/// Local; needs no MPI. A value that this kernel does not tell is 0 or absent: a report never ends
/// a run.
[[nodiscard]] MemoryReport memory_report();

/// Most that can still be allocated: available memory, or less where a control group is tighter.
[[nodiscard]] Bytes headroom(const MemoryReport& report);

/// "this process holds 812 MB (913 MB at most); its control group has 510 of 512 MB; ...": for the
/// words about memory that ran out.
[[nodiscard]] std::string to_text(const MemoryReport& report);

/// What this process holds, pages that it shares divided by their users (Pss), so that it sums up
/// over ranks; 0 where the kernel does not tell. Takes milliseconds for each gigabyte held.
[[nodiscard]] Bytes proportional_memory();

/// The same from another root, with `proc/` and `sys/fs/cgroup/` below it; for tests.
[[nodiscard]] MemoryReport memory_report_below(const std::filesystem::path& root);

}  // namespace hpml
