#pragma once

#include <cstdint>

#include "mpi/communicator.h"

namespace hpml::comm {

/// What turns this process's steady clock into the time of a timeline, in nanoseconds.
struct TraceClock {
    std::int64_t offset = 0;  ///< to be added

    [[nodiscard]] static std::int64_t now() noexcept;
};

/// A clock that begins at 0 at about this call and agrees over the ranks. Processes of a node share
/// the steady clock; the first rank of every other node asks rank 0 for its time, and the answer
/// that came back soonest counts (F. Cristian, Probabilistic clock synchronization, 1989), so that
/// the error is at most half of the shortest round trip. What clocks drift later is not seen.
/// Collective.
/// @param shift  as if the clock of this rank's node were ahead by this; for tests
[[nodiscard]] TraceClock agree_on_clock(const mpi::Communicator& ranks,
                                        const mpi::Communicator& node, std::int64_t shift = 0);

}  // namespace hpml::comm
