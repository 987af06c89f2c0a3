#pragma once

#include <cstdint>

#include "mpi/communicator.h"

namespace hpml::comm {

/// How to wait for another rank: a while on the core, because the other answers within
/// microseconds, then by giving the core away. Where ranks share cores, at once.
class Patience {
  public:
    enum class Cores { OwnEach, Shared };
    explicit Patience(Cores cores) : spins_(cores == Cores::OwnEach ? kSpins : 0) {}

    /// Wait a little.
    void pause() noexcept;
    /// Something has happened.
    void renew() noexcept { paused_ = 0; }

  private:
    /// About 30 microseconds: a sleeping thread wakes up in about as much.
    static constexpr std::uint32_t kSpins = 1000;
    std::uint32_t spins_;
    std::uint32_t paused_ = 0;
};

/// Whether the ranks of a node may run on as many cores as they are. Collective.
[[nodiscard]] Patience::Cores cores_of(const mpi::Communicator& node);

}  // namespace hpml::comm
