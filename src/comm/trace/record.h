#pragma once

#include <cstdint>

#include "base/units.h"

namespace hpml::comm {

/// What a timeline shows. The first group are phases of the thread that computes, one inside the
/// other; the second is what the all-reduce does beside it.
enum class TracePoint : std::uint8_t {
    Step,
    Data,
    Forward,
    Backward,
    Wait,     ///< for the sums of the gradients: communication that no computation hid
    Control,  ///< for the sums of losses and wishes to stop
    Update,
    Gather,  ///< of the parameters that other ranks have updated, within Update
    Validate,
    Save,
    Ready,   ///< a bucket's gradients are complete
    Launch,  ///< it was handed to the engine
    Start,   ///< its all-reduce began
    Finish,  ///< its sums stand
    Reduce,  ///< work on it, as opposed to looking whether there is any
};

/// Which end of a phase a record tells of; Whole: both.
enum class TraceEnd : std::uint8_t { Begin, End, Whole };

/// One thing that happened, as the ring holds it.
struct TraceRecord {
    std::int64_t begin = 0;    ///< nanoseconds of this rank's clock
    std::int64_t end = 0;      ///< Whole only
    std::uint64_t number = 0;  ///< Ready: of the bucket; Launch to Reduce: of the operation
    Bytes size{};
    Step step{};
    TracePoint point = TracePoint::Step;
    TraceEnd which = TraceEnd::Whole;
};

}  // namespace hpml::comm
