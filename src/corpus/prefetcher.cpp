#include "corpus/prefetcher.h"

#include <utility>

namespace hpml::corpus {

Prefetcher::Prefetcher(int depth, Make make)
    : depth_(static_cast<std::size_t>(depth)),
      make_(std::move(make)),
      thread_([this](auto stop) { work(stop); }) {}

void Prefetcher::work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        Batch batch;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, stop, [this] { return ready_.size() < depth_; })) {
                return;
            }
            if (!free_.empty()) {
                batch = std::move(free_.back());
                free_.pop_back();
            }
        }
        std::exception_ptr failure;
        try {
            make_(batch);
        } catch (...) {
            failure = std::current_exception();
        }
        {
            const std::lock_guard lock(mutex_);
            if (failure) {
                failure_ = failure;
            } else {
                ready_.push_back(std::move(batch));
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
        changed_.wait(lock, [this] { return !ready_.empty() || failure_; });
        if (ready_.empty()) {
            std::rethrow_exception(failure_);
        }
        free_.push_back(std::exchange(batch, std::move(ready_.front())));
        ready_.pop_front();
    }
    changed_.notify_all();
}

}  // namespace hpml::corpus
