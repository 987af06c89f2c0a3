#include "comm/engine.h"

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "comm/operation_queue.h"

namespace hpml::comm {

/// How the submitted buffers are driven; one implementation per Progress.
class Engine::State {
  public:
    State(std::unique_ptr<Algorithm> the_algorithm, Progress the_mode, FlightRecorder* the_recorder)
        : algorithm(std::move(the_algorithm)), mode(the_mode), recorder(the_recorder) {}
    virtual ~State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    State(State&&) = delete;
    State& operator=(State&&) = delete;

    virtual void submit(const Buffer& buffer) = 0;
    virtual void progress() = 0;
    virtual Found wait_all() = 0;

    class Inline;
    class Threaded;

    std::unique_ptr<Algorithm> algorithm;
    Progress mode;
    FlightRecorder* recorder;
    std::uint64_t submitted = 0;
    Seconds exposed;
};

class Engine::State::Inline final : public State {
  public:
    Inline(std::unique_ptr<Algorithm> the_algorithm, FlightRecorder* the_recorder)
        : State(std::move(the_algorithm), Progress::Inline, the_recorder),
          queue_(*algorithm, recorder) {}

    void submit(const Buffer& buffer) override {
        queue_.push(buffer);
        progress();
    }

    void progress() override { step(); }

    Found wait_all() override {
        Patience patience = algorithm->patience();
        while (!failure_ && !queue_.is_empty()) {
            if (step() == 0) {
                patience.pause();
            } else {
                patience.renew();
            }
        }
        if (failure_) {
            std::rethrow_exception(failure_);
        }
        Found found;
        queue_.take_found(found);
        return found;
    }

  private:
    std::size_t step() {
        if (failure_) {
            return 0;
        }
        try {
            return queue_.advance();
        } catch (...) {
            // Met inside a hook, perhaps; it is told where the sums are asked for.
            failure_ = std::current_exception();
            return 0;
        }
    }

    OperationQueue queue_;
    std::exception_ptr failure_;
};

class Engine::State::Threaded final : public State {
  public:
    Threaded(std::unique_ptr<Algorithm> the_algorithm, FlightRecorder* the_recorder)
        : State(std::move(the_algorithm), Progress::Thread, the_recorder),
          thread_([this] { communicate(); }) {}

    ~Threaded() override {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
        }
        submitted_changed_.notify_one();
        thread_.join();
    }
    Threaded(const Threaded&) = delete;
    Threaded& operator=(const Threaded&) = delete;
    Threaded(Threaded&&) = delete;
    Threaded& operator=(Threaded&&) = delete;

    void submit(const Buffer& buffer) override {
        {
            const std::lock_guard lock(mutex_);
            submitted_.push_back(buffer);
            ++outstanding_;
        }
        submitted_changed_.notify_one();
    }

    void progress() override {}

    Found wait_all() override {
        std::unique_lock lock(mutex_);
        all_done_.wait(lock, [this] { return outstanding_ == 0 || failure_; });
        if (failure_) {
            std::rethrow_exception(failure_);
        }
        return std::exchange(found_, {});
    }

  private:
    void communicate() {
        OperationQueue queue(*algorithm, recorder);
        Patience patience = algorithm->patience();
        try {
            while (take(queue)) {
                const std::size_t finished = queue.advance();
                if (finished == 0) {
                    patience.pause();
                } else {
                    patience.renew();
                    report(queue, finished);
                }
            }
        } catch (...) {
            const std::lock_guard lock(mutex_);
            failure_ = std::current_exception();
            all_done_.notify_one();
        }
        queue.abandon();
    }

    /// Move what was submitted to the thread's own queue; sleep if there is nothing to do.
    /// @return whether to go on
    bool take(OperationQueue& queue) {
        std::unique_lock lock(mutex_);
        if (queue.is_empty()) {
            submitted_changed_.wait(lock, [this] { return stop_ || !submitted_.empty(); });
        }
        for (const Buffer& buffer : submitted_) {
            queue.push(buffer);
        }
        submitted_.clear();
        return !stop_;
    }

    void report(OperationQueue& queue, std::size_t finished) {
        const std::lock_guard lock(mutex_);
        outstanding_ -= finished;
        if (outstanding_ == 0) {
            queue.take_found(found_);
            all_done_.notify_one();
        }
    }

    std::mutex mutex_;
    std::condition_variable submitted_changed_;
    std::condition_variable all_done_;
    std::vector<Buffer> submitted_;
    std::size_t outstanding_ = 0;  ///< submitted and not yet summed
    Found found_;
    std::exception_ptr failure_;
    bool stop_ = false;
    std::thread thread_;  ///< last: it uses all of the above
};

Engine::Engine(std::unique_ptr<Algorithm> algorithm, Progress progress, FlightRecorder* recorder) {
    if (progress == Progress::Thread) {
        state_ = std::make_unique<State::Threaded>(std::move(algorithm), recorder);
    } else {
        state_ = std::make_unique<State::Inline>(std::move(algorithm), recorder);
    }
}

Engine::~Engine() = default;

void Engine::submit(const Buffer& buffer) {
    ++state_->submitted;
    if (state_->recorder != nullptr) {
        state_->recorder->note(FlightRecorder::Event::Submit, state_->submitted,
                               buffer.size().value);
    }
    state_->submit(buffer);
}

void Engine::progress() { state_->progress(); }

Found Engine::wait_all() {
    const Stopwatch watch;
    try {
        const Found found = state_->wait_all();
        state_->exposed += watch.elapsed();
        return found;
    } catch (...) {
        state_->exposed += watch.elapsed();
        throw;
    }
}

const Algorithm& Engine::algorithm() const { return *state_->algorithm; }

Progress Engine::mode() const { return state_->mode; }

Seconds Engine::exposed() const { return state_->exposed; }

}  // namespace hpml::comm
