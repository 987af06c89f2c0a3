#pragma once

#include <chrono>
#include <cstdint>

#include "base/units.h"
#include "mpi/communicator.h"

namespace hpml::comm {

/// How to wait for another rank: a while on the core, because the other answers within
/// microseconds, then by giving the core away; where ranks share cores, at once. A thread that
/// shares its core with computation sleeps instead.
class Patience {
  public:
    enum class Cores { OwnEach, Shared, Computing };
    /// A sleeping thread wakes up in about as much.
    static constexpr Seconds kSpin{30e-6};

    /// @param spin  how long it keeps a core of its own
    explicit Patience(Cores cores, Seconds spin = kSpin)
        : spin_(cores == Cores::OwnEach ? spin : Seconds(0)), sleeps_(cores == Cores::Computing) {}

    /// Wait a little.
    void pause() noexcept;
    /// Something has happened.
    void renew() noexcept {
        paused_ = 0;
        gave_up_ = false;
        nap_ = kShortestNap;
    }

  private:
    /// Short enough for messages to arrive meanwhile without filling the sockets, and long enough
    /// to leave the core to the computation.
    static constexpr std::chrono::microseconds kShortestNap{50};
    static constexpr std::chrono::microseconds kLongestNap{1000};

    [[nodiscard]] bool is_over() noexcept;

    Seconds spin_;
    Seconds began_;  ///< the first pause
    std::uint32_t paused_ = 0;
    bool gave_up_ = false;
    bool sleeps_ = false;
    std::chrono::microseconds nap_ = kShortestNap;  ///< the next one; each is twice the last
};

/// Whether the ranks of a node may run on as many cores as they are. Collective.
[[nodiscard]] Patience::Cores cores_of(const mpi::Communicator& node);

}  // namespace hpml::comm
