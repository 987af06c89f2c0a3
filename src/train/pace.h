#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "mpi/communicator.h"

namespace hpml::train {

/// How fast the ranks compute, compared every kStepsOfPace steps. The slowest of them sets the pace
/// of all: what the others lose shows as communication, so it is worth a name.
struct PaceReport {
    /// By rank: its mean time for a step, without waiting for other ranks.
    std::vector<Seconds> steps;
    Rank slowest{0};
    std::string host;  ///< the slowest rank's
    Rank fastest{0};
    Seconds typical_step;  ///< half of the ranks need at most this
    bool lags = false;     ///< the slowest is slower by kLag and more

    [[nodiscard]] Seconds slowest_step() const { return step_of(slowest); }
    [[nodiscard]] Seconds fastest_step() const { return step_of(fastest); }
    [[nodiscard]] Seconds step_of(Rank rank) const {
        return steps[static_cast<std::size_t>(rank.value)];
    }
};

constexpr int kStepsOfPace = 20;
constexpr double kLag = 1.5;

class Pace {
  public:
    /// Collective.
    explicit Pace(const mpi::Communicator& ranks);

    /// After every step. Collective in every kStepsOfPace-th call.
    /// @param own  what this rank did itself in that step
    /// @return on every rank alike after so many steps; never for one rank alone
    [[nodiscard]] std::optional<PaceReport> add(Seconds own);

  private:
    const mpi::Communicator& ranks_;
    std::vector<std::string> hosts_;
    Seconds sum_;
    int steps_ = 0;
};

}  // namespace hpml::train
