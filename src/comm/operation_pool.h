#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "comm/all_reduce.h"

namespace hpml::comm {

/// Finished operations that wait to be used again, so that a steady stream of operations allocates
/// nothing. Used by one thread at a time.
template <class Run>
class OperationPool {
  public:
    /// An idle operation, or a new one made of `arguments`.
    template <class... Arguments>
    [[nodiscard]] Run* take(Arguments&&... arguments) {
        if (idle_.empty()) {
            ++made_;
            idle_.reserve(made_);  // so that put_back never allocates
            return new Run(std::forward<Arguments>(arguments)...);
        }
        Run* run = idle_.back().release();
        idle_.pop_back();
        return run;
    }
    void put_back(Run* run) noexcept { idle_.emplace_back(run); }

  private:
    std::vector<std::unique_ptr<Run>> idle_;
    std::size_t made_ = 0;
};

/// The handle of an operation from a pool, begun: it goes back if that throws.
template <class Run, class... Arguments>
[[nodiscard]] OperationHandle begun(Run* run, Arguments&&... arguments) {
    OperationHandle handle(run);
    run->begin(std::forward<Arguments>(arguments)...);
    return handle;
}

}  // namespace hpml::comm
