#pragma once

#include <filesystem>

#include "base/log.h"
#include "comm/watchdog.h"
#include "mpi/communicator.h"

namespace hpml::train {

/// The ranks of a job with a watchdog on every wait for them, whose words go to the log.
class WatchedRanks {
  public:
    /// Collective.
    /// @param options  their `folder` is where a hang leaves its record
    WatchedRanks(comm::WatchdogOptions options, const mpi::Communicator& ranks, const Log& log);

    [[nodiscard]] const mpi::Communicator& ranks() const { return ranks_; }
    [[nodiscard]] comm::Watchdog& watchdog() { return watchdog_; }

  private:
    comm::Watchdog watchdog_;
    mpi::Communicator ranks_;  ///< tells the watchdog
};

}  // namespace hpml::train
