#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace hpml::tasks {

/// What the ranks tell each other with every step's control all-reduce. A rank adds what it alone
/// knows, and the sums decide on every rank alike.
enum class Vote : std::size_t {
    Signal,       ///< a signal asks this rank to stop
    TimeOver,     ///< rank 0: another step might not leave enough time to save
    RetrySave,    ///< rank 0: a save that failed is to be tried again
    Tokens,       ///< of this rank's micro-batches
    Flops,        ///< of this rank's micro-batches
    RunSeconds,   ///< rank 0: how long the run has been training, over all its starts
    PartWritten,  ///< this rank's part of the running save is written, or has failed
    Published,    ///< rank 0: the running save has got its name, or has failed
    Count
};

class Votes {
  public:
    double& operator[](Vote vote) { return values_[static_cast<std::size_t>(vote)]; }
    double operator[](Vote vote) const { return values_[static_cast<std::size_t>(vote)]; }
    [[nodiscard]] bool any(Vote vote) const { return values_[static_cast<std::size_t>(vote)] > 0; }
    /// For the all-reduce.
    [[nodiscard]] std::span<double> values() { return values_; }

  private:
    std::array<double, static_cast<std::size_t>(Vote::Count)> values_{};
};

}  // namespace hpml::tasks
