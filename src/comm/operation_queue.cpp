#include "comm/operation_queue.h"

#include "comm/kernels/kernels.h"

namespace hpml::comm {

namespace {

/// An advance that was shorter found nothing to do.
constexpr std::int64_t kLook = 2000;  // nanoseconds

}  // namespace

std::size_t OperationQueue::advance() {
    while (next_ < waiting_.size() && under_way_.size() < algorithm_.most_under_way()) {
        const Buffer& buffer = waiting_[next_];
        note_start(++started_, buffer.size());
        under_way_.push_back({algorithm_.start(buffer), started_, buffer, found_.size()});
        found_.emplace_back();
        ++next_;
    }
    if (next_ == waiting_.size()) {
        waiting_.clear();
        next_ = 0;
    }
    return std::erase_if(under_way_, [this](const UnderWay& one) { return advance_one(one); });
}

bool OperationQueue::advance_one(const UnderWay& one) {
    const std::int64_t begin = watchers_.trace != nullptr ? TraceClock::now() : 0;
    const bool done = one.operation->advance();
    if (done && one.buffer.examine == Examine::Yes) {
        const auto found = one.operation->found();
        found_[one.place] = found ? *found : look_at(one.buffer);
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
