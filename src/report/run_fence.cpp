#include "report/run_fence.h"

#include <utility>

#include "base/error.h"

namespace hpml {

RunFence::RunFence(std::filesystem::path run, std::function<bool()> is_current, const Log& log,
                   Seconds interval)
    : run_(std::move(run)), is_current_(std::move(is_current)), log_(log), interval_(interval) {}

bool RunFence::is_open() {
    if (!last_asked_ || now() - *last_asked_ > interval_) {
        return is_open_now();
    }
    return !is_closed_;
}

bool RunFence::is_open_now() {
    if (is_closed_) {
        return false;
    }
    last_asked_ = now();
    try {
        is_closed_ = !is_current_();
    } catch (const Error& error) {
        if (!has_warned_) {
            has_warned_ = true;
            log_.warn("{}; the run goes on as if no later start had taken it over", error.what());
        }
    }
    if (is_closed_) {
        log_.warn("a later start has taken over {}; this one writes there no longer",
                  run_.string());
    }
    return !is_closed_;
}

}  // namespace hpml
