#include "comm/operation_queue.h"

#include "comm/kernels/kernels.h"

namespace hpml::comm {

std::size_t OperationQueue::advance() {
    while (next_ < waiting_.size() && under_way_.size() < algorithm_.most_under_way()) {
        const Buffer& buffer = waiting_[next_];
        note(FlightRecorder::Event::Start, ++started_, buffer.size());
        under_way_.push_back({algorithm_.start(buffer), started_, buffer, found_.size()});
        found_.emplace_back();
        ++next_;
    }
    if (next_ == waiting_.size()) {
        waiting_.clear();
        next_ = 0;
    }
    return std::erase_if(under_way_, [this](const UnderWay& one) {
        const bool done = one.operation->advance();
        if (done) {
            finish(one);
        }
        return done;
    });
}

void OperationQueue::finish(const UnderWay& one) {
    note(FlightRecorder::Event::Finish, one.number, one.buffer.size());
    if (one.buffer.examine == Examine::Yes) {
        const auto found = one.operation->found();
        found_[one.place] = found ? *found : look_at(one.buffer);
    }
}

void OperationQueue::take_found(Found& sum) {
    for (const Found& one : found_) {
        sum += one;
    }
    found_.clear();
}

void OperationQueue::note(FlightRecorder::Event event, std::uint64_t number, Bytes size) {
    if (recorder_ != nullptr) {
        recorder_->note(event, number, size.value);
    }
}

void OperationQueue::abandon() {
    waiting_.clear();
    next_ = 0;
    under_way_.clear();
    found_.clear();
}

}  // namespace hpml::comm
