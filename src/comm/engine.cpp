#include "comm/engine.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "comm/operation_queue.h"
#include "comm/trace/trace.h"

namespace hpml::comm {

namespace {

/// Of a step, at most, in a model of the usual size.
constexpr std::size_t kUsualOperations = 1024;

}  // namespace

/// How the submitted buffers are driven; one implementation per Progress.
class Engine::State {
  public:
    State(std::unique_ptr<Algorithm> the_algorithm, Progress the_mode,
          const EngineWatchers& the_watchers)
        : algorithm(std::move(the_algorithm)),
          mode(the_mode),
          watchers(the_watchers),
          queue_(*algorithm, watchers) {
        queue_.reserve(kUsualOperations);
        names.reserve(kUsualOperations);
    }
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
    EngineWatchers watchers;
    std::uint64_t submitted = 0;
    std::vector<std::string_view> names;  ///< of the buffers submitted since the last wait
    Seconds exposed;

  protected:
    // All of these by the one thread that drives the queue.

    void push(const Buffer& buffer) {
        if (!failure_) {
            queue_.push(buffer);
        }
    }
    [[nodiscard]] bool is_idle() const { return failure_ || queue_.is_empty(); }

    /// Do what can be done now, or wait a little.
    void step(Patience& patience) {
        if (advance() == 0) {
            patience.pause();
        } else {
            patience.renew();
        }
    }

    std::size_t advance() {
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

    Found drain() {
        Patience patience = algorithm->patience();
        while (!is_idle()) {
            step(patience);
        }
        if (failure_) {
            std::rethrow_exception(failure_);
        }
        Found found;
        queue_.take_found(found);
        if (const auto disagreement = queue_.take_disagreement()) {
            std::rethrow_exception(disagreement);
        }
        return found;
    }

  private:
    OperationQueue queue_;
    std::exception_ptr failure_;
};

class Engine::State::Inline final : public State {
  public:
    Inline(std::unique_ptr<Algorithm> the_algorithm, const EngineWatchers& the_watchers)
        : State(std::move(the_algorithm), Progress::Inline, the_watchers) {}

    void submit(const Buffer& buffer) override {
        push(buffer);
        progress();
    }

    /// What can be done now: calls may come seldom, and what was computed last is still in the
    /// cache.
    void progress() override {
        Seconds took = kWork;
        for (int round = 0; round < kMostRounds && took >= kWork && !is_idle(); ++round) {
            const Stopwatch watch;
            (void)advance();
            took = watch.elapsed();
        }
    }

    Found wait_all() override { return drain(); }

  private:
    /// A look at the messages of the network takes less, a piece of a sum more.
    static constexpr Seconds kWork{1e-5};
    /// A look may be slow all the same, and the computation is to go on.
    static constexpr int kMostRounds = 64;
};

/// A thread drives the queue while the caller computes. A caller that waits has a core to spare and
/// the sums in its cache: it drives the queue itself then, and the thread sleeps. So one thread at
/// a time works on operations and calls MPI, and nobody has to be woken up to learn that all is
/// done.
class Engine::State::Threaded final : public State {
  public:
    Threaded(std::unique_ptr<Algorithm> the_algorithm, Progress the_mode,
             const EngineWatchers& the_watchers)
        : State(std::move(the_algorithm), the_mode, the_watchers) {
        submitted_.reserve(kUsualOperations);
        thread_ = std::thread([this] { communicate(); });
    }

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
        }
        submitted_changed_.notify_one();
    }

    void progress() override {}

    Found wait_all() override {
        const CallerDrives caller(caller_drives_);
        std::unique_lock driving(driving_, std::defer_lock);
        // The thread lets go after the piece it is at: sooner than a sleeping thread wakes up.
        for (Patience patience = algorithm->patience(); !driving.try_lock();) {
            patience.pause();
        }
        (void)take_submitted();
        return drain();
    }

  private:
    class CallerDrives {
      public:
        explicit CallerDrives(std::atomic<bool>& flag) : flag_(flag) { flag_.store(true); }
        ~CallerDrives() { flag_.store(false); }
        CallerDrives(const CallerDrives&) = delete;
        CallerDrives& operator=(const CallerDrives&) = delete;
        CallerDrives(CallerDrives&&) = delete;
        CallerDrives& operator=(CallerDrives&&) = delete;

      private:
        std::atomic<bool>& flag_;
    };

    void communicate() {
        while (sleep_until_submitted()) {
            const std::lock_guard driving(driving_);
            Patience patience = mode == Progress::Background ? Patience(Patience::Cores::Computing)
                                                             : algorithm->patience();
            while (!caller_drives_.load() && take_submitted() && !is_idle()) {
                step(patience);
            }
        }
    }

    /// @return whether to go on
    bool sleep_until_submitted() {
        std::unique_lock lock(mutex_);
        submitted_changed_.wait(
            lock, [this] { return stop_ || (!submitted_.empty() && !caller_drives_.load()); });
        return !stop_;
    }

    /// By the thread that drives. @return whether to go on
    bool take_submitted() {
        const std::lock_guard lock(mutex_);
        for (const Buffer& buffer : submitted_) {
            push(buffer);
        }
        submitted_.clear();
        return !stop_;
    }

    std::mutex driving_;  ///< held by the thread that drives the queue
    std::atomic<bool> caller_drives_{false};

    std::mutex mutex_;
    std::condition_variable submitted_changed_;
    std::vector<Buffer> submitted_;
    bool stop_ = false;
    std::thread thread_;  ///< last: it uses all of the above
};

Engine::Engine(std::unique_ptr<Algorithm> algorithm, Progress progress,
               const EngineWatchers& watchers) {
    if (progress != Progress::Inline) {
        state_ = std::make_unique<State::Threaded>(std::move(algorithm), progress, watchers);
    } else {
        state_ = std::make_unique<State::Inline>(std::move(algorithm), watchers);
    }
}

Engine::~Engine() = default;

void Engine::submit(const Buffer& buffer) {
    ++state_->submitted;
    const EngineWatchers& watchers = state_->watchers;
    if (watchers.recorder != nullptr) {
        watchers.recorder->note(FlightRecorder::Event::Submit, state_->submitted,
                                buffer.size().value);
    }
    if (watchers.trace != nullptr) {
        watchers.trace->note(TracePoint::Launch, state_->submitted, buffer.size());
    }
    Buffer marked = buffer;
    auto& names = state_->names;
    if (!buffer.name.empty()) {
        marked.repeats = std::find(names.begin(), names.end(), buffer.name) != names.end();
        names.push_back(buffer.name);
    }
    state_->submit(marked);
}

void Engine::progress() { state_->progress(); }

Found Engine::wait_all() {
    const Trace::Span span(state_->watchers.trace, TracePoint::Wait);
    const Stopwatch watch;
    state_->names.clear();
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
