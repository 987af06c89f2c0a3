#include "comm/operation_queue.h"

namespace hpml::comm {

std::size_t OperationQueue::advance() {
    while (next_ < waiting_.size() && under_way_.size() < algorithm_.most_under_way()) {
        const Buffer& buffer = waiting_[next_];
        note(FlightRecorder::Event::Start, ++started_, buffer.size());
        under_way_.push_back({algorithm_.start(buffer), started_, buffer.size()});
        ++next_;
    }
    if (next_ == waiting_.size()) {
        waiting_.clear();
        next_ = 0;
    }
    return std::erase_if(under_way_, [this](const UnderWay& one) {
        const bool done = one.operation->advance();
        if (done) {
            note(FlightRecorder::Event::Finish, one.number, one.size);
        }
        return done;
    });
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
}

}  // namespace hpml::comm
