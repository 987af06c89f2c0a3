#pragma once

#include "base/units.h"

namespace hpml::device {

/// A point in a stream's work, made by `Stream::record()`. CPU and GPU twins.
class Event {
  public:
    virtual ~Event() = default;
    /// Whether the work before the point is done; never waits. @throw BackendError
    [[nodiscard]] virtual bool is_done() const = 0;
    /// Wait for the work before the point. @throw BackendError
    virtual void synchronize() const = 0;
    /// Time between two points of the same kind of device, by the device's own clock; waits for
    /// both. @throw BackendError
    [[nodiscard]] virtual Seconds since(const Event& earlier) const = 0;
};

}  // namespace hpml::device
