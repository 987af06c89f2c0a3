#include "tasks/background_task.h"

#include <pthread.h>

#include <utility>

#include "base/clock.h"
#include "base/error.h"

namespace hpml::tasks {

BackgroundTask::~BackgroundTask() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

void BackgroundTask::start(std::function<void()> work) {
    expects(!thread_.joinable(), "one task at a time");
    is_over_ = false;
    failure_ = nullptr;
    thread_ = std::thread([this, work = std::move(work)] {
        ::pthread_setname_np(::pthread_self(), "checkpoint");
        const Stopwatch watch;
        try {
            work();
        } catch (...) {
            failure_ = std::current_exception();
        }
        taken_ = watch.elapsed();
        is_over_ = true;
    });
}

Seconds BackgroundTask::wait() {
    if (thread_.joinable()) {
        thread_.join();
    }
    is_over_ = false;
    if (failure_) {
        std::rethrow_exception(std::exchange(failure_, nullptr));
    }
    return taken_;
}

}  // namespace hpml::tasks
