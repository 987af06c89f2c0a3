#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "comm/all_reduce.h"
#include "comm/flight_recorder.h"

namespace hpml::comm {

/// Starts operations in order and drives those under way; owned by one thread.
class OperationQueue {
  public:
    /// @param recorder  null: nobody keeps a record; outlives this
    OperationQueue(Algorithm& algorithm, FlightRecorder* recorder)
        : algorithm_(algorithm), recorder_(recorder) {}

    void push(const Buffer& buffer) { waiting_.push_back(buffer); }
    /// Add what was found in the results since the last call, one operation after the other in
    /// their order. All must have finished.
    void take_found(Found& sum);
    /// Start what may start and advance what is under way, without waiting.
    /// @return operations that finished
    /// @throw what the algorithm throws
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
    void finish(const UnderWay& one);
    void note(FlightRecorder::Event event, std::uint64_t number, Bytes size);

    FlightRecorder* recorder_;
    std::uint64_t started_ = 0;
    std::vector<UnderWay> under_way_;
    std::vector<Found> found_;  ///< of the operations in their order
};

}  // namespace hpml::comm
