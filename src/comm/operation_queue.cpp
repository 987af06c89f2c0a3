#include "comm/operation_queue.h"

#include "base/error.h"
#include "comm/kernels/kernels.h"

namespace hpml::comm {

namespace {

/// An advance that was shorter found nothing to do.
constexpr std::int64_t kLook = 2000;  // nanoseconds

}  // namespace

std::size_t OperationQueue::advance() {
    std::size_t refused = 0;
    while (next_ < waiting_.size() && under_way_.size() < algorithm_.most_under_way()) {
        refused += start(waiting_[next_++]) ? 0 : 1;
    }
    if (next_ == waiting_.size()) {
        waiting_.clear();
        next_ = 0;
    }
    return refused +
           std::erase_if(under_way_, [this](const UnderWay& one) { return advance_one(one); });
}

/// @return whether it is under way
bool OperationQueue::start(const Buffer& buffer) {
    note_start(++started_, buffer.size());
    found_.emplace_back();
    try {
        under_way_.push_back({algorithm_.start(buffer), started_, buffer, found_.size() - 1});
        return true;
    } catch (const MismatchError&) {
        keep_disagreement();
        return false;
    }
}

void OperationQueue::keep_disagreement() {
    if (!disagreement_) {
        disagreement_ = std::current_exception();
    }
}

bool OperationQueue::advance_one(const UnderWay& one) {
    const std::int64_t begin = watchers_.trace != nullptr ? TraceClock::now() : 0;
    bool done = true;
    try {
        done = one.operation->advance();
        if (done && one.buffer.examine == Examine::Yes) {
            const auto found = one.operation->found();
            found_[one.place] = found ? *found : look_at(one.buffer);
        }
    } catch (const MismatchError&) {
        keep_disagreement();
    }
    if (watchers_.trace != nullptr && TraceClock::now() - begin > kLook) {
        watchers_.trace->note_since(begin, TracePoint::Reduce, one.number);
    }
    if (done) {
        note_finish(one.number, one.buffer.size());
    }
    return done;
}

void OperationQueue::take_found(Found& sum) {
    for (const Found& one : found_) {
        sum += one;
    }
    found_.clear();
}

void OperationQueue::note_start(std::uint64_t number, Bytes size) {
    if (watchers_.recorder != nullptr) {
        watchers_.recorder->note(FlightRecorder::Event::Start, number, size.value);
    }
    if (watchers_.trace != nullptr) {
        watchers_.trace->note(TracePoint::Start, number, size);
    }
}

void OperationQueue::note_finish(std::uint64_t number, Bytes size) {
    if (watchers_.recorder != nullptr) {
        watchers_.recorder->note(FlightRecorder::Event::Finish, number, size.value);
    }
    if (watchers_.trace != nullptr) {
        watchers_.trace->note(TracePoint::Finish, number, size);
    }
}

void OperationQueue::abandon() {
    waiting_.clear();
    next_ = 0;
    under_way_.clear();
    found_.clear();
}

}  // namespace hpml::comm
