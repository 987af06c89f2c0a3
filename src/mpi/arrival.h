#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/units.h"

namespace hpml::mpi {

/// Sees that MPI_Init waits for ranks that do not come, which it would do for ever. Made before it
/// and ended after it. Every rank says on its host that it is there (an abstract socket, which
/// ends with the process), so that the missing ones of a host have numbers.
///
/// Knows ranks from the launcher's environment (Open MPI, PMIx, Slurm); without one it does
/// nothing.
class Arrival {
  public:
    /// @param patience  then the process leaves with exit 76; 0: never
    /// @param fail  called before that with the reason, on one rank of each host
    Arrival(Seconds patience, std::function<void(const std::string&)> fail);
    ~Arrival();
    Arrival(const Arrival&) = delete;
    Arrival& operator=(const Arrival&) = delete;
    Arrival(Arrival&&) = delete;
    Arrival& operator=(Arrival&&) = delete;

    /// How long to wait: $HPML_START_TIMEOUT in seconds, or 120.
    [[nodiscard]] static Seconds patience_here();

  private:
    void watch();

    Seconds patience_;
    std::function<void(const std::string&)> fail_;
    std::string job_;  ///< what its ranks have in common
    int rank_ = 0;
    int ranks_ = 1;
    int on_host_ = 0;  ///< ranks; 0: the launcher does not say
    int socket_ = -1;
    std::mutex mutex_;
    std::condition_variable arrived_changed_;
    bool arrived_ = false;
    std::thread thread_;
};

}  // namespace hpml::mpi
