#pragma once

#include <cstdint>

#include "base/units.h"
#include "mpi/communicator.h"

namespace hpml::comm {

/// How to wait for another rank: a while on the core, because the other answers within
/// microseconds, then by giving the core away. Where ranks share cores, at once.
class Patience {
  public:
    enum class Cores { OwnEach, Shared };
    /// A sleeping thread wakes up in about as much.
    static constexpr Seconds kSpin{30e-6};

    /// @param spin  how long it keeps a core of its own
    explicit Patience(Cores cores, Seconds spin = kSpin)
        : spin_(cores == Cores::OwnEach ? spin : Seconds(0)) {}

    /// Wait a little.
    void pause() noexcept;
    /// Something has happened.
    void renew() noexcept {
        paused_ = 0;
        gave_up_ = false;
    }

  private:
    [[nodiscard]] bool is_over() noexcept;

    Seconds spin_;
    Seconds began_;  ///< the first pause
    std::uint32_t paused_ = 0;
    bool gave_up_ = false;
};

/// Whether the ranks of a node may run on as many cores as they are. Collective.
[[nodiscard]] Patience::Cores cores_of(const mpi::Communicator& node);

}  // namespace hpml::comm
