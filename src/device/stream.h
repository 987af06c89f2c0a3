#pragma once

#include <functional>
#include <memory>

#include "device/event.h"

namespace hpml::device {

/// Work in order. On a CPU work is done at once, so that nothing is ever pending; on a GPU it
/// is queued and runs beside the host.
class Stream {
  public:
    virtual ~Stream() = default;
    /// Call `work` on the host, behind what the stream holds: at once on a CPU; on a GPU after
    /// waiting for the stream. @throw what `work` throws, BackendError
    virtual void run(const std::function<void()>& work) = 0;
    /// The point that the stream has reached. @throw BackendError
    [[nodiscard]] virtual std::unique_ptr<Event> record() = 0;
    /// Later work of this stream starts after the point of an event of the same kind of device; the
    /// host does not wait. @throw BackendError
    virtual void wait_for(const Event& event) = 0;
    /// Wait until all work is done. @throw BackendError
    virtual void synchronize() = 0;
};

/// A stream of the host.
[[nodiscard]] std::unique_ptr<Stream> make_cpu_stream();

}  // namespace hpml::device
