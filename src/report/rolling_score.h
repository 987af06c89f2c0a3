#pragma once

#include <cstddef>
#include <deque>
#include <optional>

namespace hpml {

/// How unusual a value is beside the ones before it: (value - mean) / deviation over the last
/// `window` values.
class RollingScore {
  public:
    /// @param least  values that have to be there before anything is said
    explicit RollingScore(std::size_t window = 100, std::size_t least = 20)
        : window_(window), least_(least) {}

    /// The score of `value` beside the values before it, which it then joins. What is not finite
    /// has no score and joins nothing.
    std::optional<double> add(double value);

  private:
    std::size_t window_;
    std::size_t least_;
    std::deque<double> values_;
};

}  // namespace hpml
