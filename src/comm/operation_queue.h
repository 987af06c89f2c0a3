#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "comm/all_reduce.h"
#include "comm/engine.h"
#include "comm/flight_recorder.h"
#include "comm/trace/trace.h"

namespace hpml::comm {

/// Starts operations in order and drives those under way; owned by one thread.
class OperationQueue {
  public:
    OperationQueue(Algorithm& algorithm, const EngineWatchers& watchers)
        : algorithm_(algorithm), watchers_(watchers) {}
    /// Room for all operations of a step: how many wait depends on how far this rank is ahead of
    /// the others, and some later step would be the first to need it.
    void reserve(std::size_t operations) {
        waiting_.reserve(operations);
        found_.reserve(operations);
    }

    void push(const Buffer& buffer) { waiting_.push_back(buffer); }
    /// Add what was found in the results since the last call, one operation after the other in
    /// their order. All must have finished.
    void take_found(Found& sum);
    /// The first disagreement of the ranks since the last call; null: there was none.
    [[nodiscard]] std::exception_ptr take_disagreement() {
        return std::exchange(disagreement_, nullptr);
    }
    /// Start what may start and advance what is under way, without waiting. An operation on which
    /// the ranks do not agree (MismatchError) is over without an effect; the others go on.
    /// @return operations that finished
    /// @throw what else the algorithm throws
    std::size_t advance();
    [[nodiscard]] bool is_empty() const { return under_way_.empty() && next_ == waiting_.size(); }
    /// Forget everything; only when an error ends the run.
    void abandon();

  private:
    Algorithm& algorithm_;
    std::vector<Buffer> waiting_;  ///< from `next_` on not started
    std::size_t next_ = 0;
    struct UnderWay {
        OperationHandle operation;
        std::uint64_t number = 0;
        Buffer buffer;
        std::size_t place = 0;  ///< in `found_`
    };
    [[nodiscard]] bool start(const Buffer& buffer);
    [[nodiscard]] bool advance_one(const UnderWay& one);
    void keep_disagreement();
    void note_start(std::uint64_t number, Bytes size);
    void note_finish(std::uint64_t number, Bytes size);

    EngineWatchers watchers_;
    std::uint64_t started_ = 0;
    std::vector<UnderWay> under_way_;
    std::vector<Found> found_;  ///< of the operations in their order
    std::exception_ptr disagreement_;
};

}  // namespace hpml::comm
