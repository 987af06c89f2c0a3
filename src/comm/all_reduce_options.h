#pragma once

#include <string>

#include "base/units.h"
#include "comm/cost_model.h"
#include "comm/reproducible.h"
#include "comm/wire.h"

namespace hpml::comm {

/// How often the ranks compare what they are about to add: a rank that brings something else than
/// the others would otherwise spoil the sums in silence, or wait for ever.
enum class Check {
    Plan,   ///< the digest of the fusion plan, once at the start
    Every,  ///< also each operation, before any of it is added
    Off,    ///< nothing
};

/// How buffers are summed over the ranks. The same on every rank.
struct AllReduceOptions {
    std::string algorithm = "auto";  ///< one of algorithm_names()
    Bytes chunk = kib(256);          ///< what a rank reduces at a time in shared memory
    Bytes segment = kib(0);  ///< longest message of a ring; 0: by where the ranks are (RingOptions)
    Seconds spin{30e-6};  ///< a rank that waits keeps its core that long, if it has one of its own
    Check check = Check::Plan;
    Reproducible reproducible = Reproducible::Run;
    Wire wire = Wire::Same;
    /// By which `auto` chooses between nodes.
    CostConstants constants{};
};

/// "plan", "every" or "off".
[[nodiscard]] std::string to_text(Check check);

/// Bounds of `chunk` and `segment`: a shorter one costs more than it carries; MPI counts the bytes
/// of a message in an int. A segment may also be 0.
constexpr Bytes kLeastPiece = kib(1);
constexpr Bytes kMostPiece = mib(1024);
constexpr Seconds kLongestSpin{1};

/// @throw UsageError that names the option which is out of its range, or the two that exclude each
/// other
void require_valid(const AllReduceOptions& options);

}  // namespace hpml::comm
