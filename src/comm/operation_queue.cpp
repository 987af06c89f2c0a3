#include "comm/operation_queue.h"

namespace hpml::comm {

std::size_t OperationQueue::advance() {
    while (next_ < waiting_.size() && under_way_.size() < algorithm_.most_under_way()) {
        under_way_.push_back(algorithm_.start(waiting_[next_]));
        ++next_;
    }
    if (next_ == waiting_.size()) {
        waiting_.clear();
        next_ = 0;
    }
    return std::erase_if(under_way_, [](const auto& operation) { return operation->advance(); });
}

void OperationQueue::abandon() {
    waiting_.clear();
    next_ = 0;
    under_way_.clear();
}

}  // namespace hpml::comm
