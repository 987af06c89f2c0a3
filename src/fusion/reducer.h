#pragma once

#include <memory>
#include <optional>

#include "comm/engine.h"
#include "fusion/arena.h"

namespace hpml::fusion {

/// Sums the arena's gradients over all ranks while the backward pass still runs: hooks on the
/// leaves count down, and a bucket leaves as soon as it is full and all buckets before it have
/// left.
class Reducer {
  public:
    /// All must outlive this.
    /// @param examine  whether `finish` says what is in the sums
    /// @param trace  is told when a bucket is ready; null: nobody
    Reducer(Arena& arena, comm::Engine& engine, comm::Examine examine = comm::Examine::Yes,
            comm::Trace* trace = nullptr);
    ~Reducer();
    Reducer(const Reducer&) = delete;
    Reducer& operator=(const Reducer&) = delete;
    Reducer(Reducer&&) = delete;
    Reducer& operator=(Reducer&&) = delete;

    /// The next backward pass is the last of the step: let buckets leave during it.
    void arm();
    /// After that backward pass: send what has not left (leaves that got no gradient), wait for all
    /// sums. Collective.
    /// @return what is in the sums, the same bits on every rank; nothing if that
    ///         was not asked for, or where they lie on a GPU
    /// @throw BackendError
    std::optional<comm::Found> finish();

  private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace hpml::fusion
