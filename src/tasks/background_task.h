#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <thread>

#include "base/units.h"

namespace hpml::tasks {

/// One piece of work after the other on a thread of its own, which ends with it.
class BackgroundTask {
  public:
    BackgroundTask() = default;
    ~BackgroundTask();
    BackgroundTask(const BackgroundTask&) = delete;
    BackgroundTask& operator=(const BackgroundTask&) = delete;
    BackgroundTask(BackgroundTask&&) = delete;
    BackgroundTask& operator=(BackgroundTask&&) = delete;

    /// The one before has been waited for.
    void start(std::function<void()> work);
    /// Whether there is work that wait() would not have to wait for.
    [[nodiscard]] bool is_over() const { return is_over_; }
    /// @return how long the work took. @throw what it threw
    Seconds wait();

  private:
    std::thread thread_;
    std::atomic<bool> is_over_ = false;
    std::exception_ptr failure_;
    Seconds taken_;
};

}  // namespace hpml::tasks
