#pragma once

#include "base/units.h"

namespace hpml {

/// How long to wait for what another host has made and this one's view of a network file system
/// does not show yet: 10 ms, then each time twice as long.
class Patience {
  public:
    explicit Patience(Seconds in_all) : left_(in_all) {}

    /// Wait a while. @return false, at once, if it is used up
    [[nodiscard]] bool wait();

  private:
    Seconds left_;
    Seconds next_{0.01};
};

}  // namespace hpml
