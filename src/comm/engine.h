#pragma once

#include <cstddef>
#include <memory>

#include "base/units.h"
#include "comm/all_reduce.h"
#include "comm/flight_recorder.h"

namespace hpml::comm {

class Trace;

/// Who keeps a record of the operations; null: nobody does. Both outlive the engine.
struct EngineWatchers {
    FlightRecorder* recorder = nullptr;
    Trace* trace = nullptr;
};

/// Asynchronous all-reduces, run in the order in which they were submitted (the same on every
/// rank).
///
/// Between the first `submit()` and the return of `wait_all()` the caller makes no MPI call of its
/// own. After a BackendError the engine stays failed: the values are unspecified, and every later
/// `wait_all()` throws the same error. The destructor waits for nothing and communicates with
/// nobody; operations that are still under way are given up, which only an error may cause.
class Engine {
  public:
    Engine(std::unique_ptr<Algorithm> algorithm, Progress progress,
           const EngineWatchers& watchers = {});
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    Engine(Engine&&) = delete;
    Engine& operator=(Engine&&) = delete;

    /// Queue the all-reduce of a buffer; returns at once. Collective in order. The memory must
    /// stay.
    void submit(const Buffer& buffer);
    /// Inline: drive what is under way without waiting. Thread: nothing.
    void progress();
    /// Return when every submitted buffer holds its sum.
    /// @return what was found in the results of the buffers that asked (Buffer::examine), since the
    ///         last call: the same bits on every rank, so that all decide alike
    /// @throw MismatchError of the first operation on which the ranks do not agree, where that is
    ///        found out: every rank throws the same, its buffer is as it was, the others hold their
    ///        sums, and the engine can be used as before
    /// @throw BackendError of the first operation that failed, also when a thread met it
    Found wait_all();

    [[nodiscard]] const Algorithm& algorithm() const;
    [[nodiscard]] Progress mode() const;
    /// Time that `wait_all` has spent waiting since construction: communication that no computation
    /// hid.
    [[nodiscard]] Seconds exposed() const;

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace hpml::comm
