#include "corpus/prefetcher.h"

#include <utility>

namespace hpml::corpus {

Prefetcher::Prefetcher(int depth, Make make)
    : depth_(static_cast<std::size_t>(depth)),
      make_(std::move(make)),
      batches_(depth_),
      thread_([this](auto stop) { work(stop); }) {}

void Prefetcher::work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        Batch* batch = nullptr;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, stop, [this] { return ready_ < depth_; })) {
                return;
            }
            // Nobody else looks at it before it is ready.
            batch = &batches_[(first_ + ready_) % depth_];
        }
        std::exception_ptr failure;
        try {
            make_(*batch);
        } catch (...) {
            failure = std::current_exception();
        }
        {
            const std::lock_guard lock(mutex_);
            if (failure) {
                failure_ = failure;
            } else {
                ++ready_;
            }
        }
        changed_.notify_all();
        if (failure) {
            return;
        }
    }
}

void Prefetcher::next(Batch& batch) {
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return ready_ > 0 || failure_; });
        if (ready_ == 0) {
            std::rethrow_exception(failure_);
        }
        std::swap(batch, batches_[first_]);
        first_ = (first_ + 1) % depth_;
        --ready_;
    }
    changed_.notify_all();
}

}  // namespace hpml::corpus
