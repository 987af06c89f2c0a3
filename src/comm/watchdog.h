#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/units.h"
#include "comm/flight_recorder.h"
#include "comm/node_memory.h"
#include "comm/shm_team.h"
#include "mpi/communicator.h"

namespace hpml::comm {

struct WatchdogOptions {
    Seconds warn_after{10};  ///< a wait this long is told, with the ranks that are behind
    /// A wait this long for a rank that shows no sign of life ends the job with exit 76; for one
    /// that lives but has not come, if it is also five times the longest step so far, or ten times
    /// this during the first step: ranks may have different amounts of work. 0: never.
    Seconds timeout{120};
    /// Where a hang leaves flight-rank-N.jsonl; empty: nowhere.
    std::filesystem::path folder;
    /// Called on the one live rank of the node that speaks for it, from the watchdog's thread.
    std::function<void(const std::string&)> warn = [](const std::string&) {};
    std::function<void(const std::string&)> fail = [](const std::string&) {};  ///< the last words
    /// Ends this process; replaced in tests.
    std::function<void()> leave;
};

/// Sees that a rank hangs, which MPI does not: waits inside a step are entered and left through it,
/// every rank counts them where the others of its node see it, and a thread of each rank beats. A
/// rank that has entered fewer waits, or beats no more, is behind; it is named first in a warning,
/// then when the job is ended. A rank that goes on in time is waited for as if nothing had
/// happened.
///
/// Owns no lock of the engine and calls no MPI after its construction.
class Watchdog {
  public:
    /// Collective over the ranks of a node.
    Watchdog(const mpi::Communicator& ranks, const mpi::Communicator& node,
             WatchdogOptions options);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    Watchdog(Watchdog&&) = delete;
    Watchdog& operator=(Watchdog&&) = delete;

    /// While it lives, this rank waits for the others: made in the same order on every rank.
    class Wait {
      public:
        /// @param watchdog  null: nobody watches
        /// @param what  e.g. "the sums of the gradients"; a string that stays
        Wait(Watchdog* watchdog, const char* what) : watchdog_(watchdog) {
            if (watchdog_ != nullptr) {
                watchdog_->enter(what);
            }
        }
        ~Wait() {
            if (watchdog_ != nullptr) {
                watchdog_->leave();
            }
        }
        Wait(const Wait&) = delete;
        Wait& operator=(const Wait&) = delete;
        Wait(Wait&&) = delete;
        Wait& operator=(Wait&&) = delete;

      private:
        Watchdog* watchdog_;
    };

    /// For messages: the step that this rank works on.
    void set_step(Step step) noexcept;
    [[nodiscard]] FlightRecorder& recorder() { return recorder_; }

  private:
    /// In the rank's part of the node's memory.
    struct Line {
        alignas(64) SharedCounter beats{0};
        alignas(64) SharedCounter entered{0};  ///< waits
        SharedCounter rank{0};                 ///< of the job
    };
    /// What was last seen of another rank.
    struct Seen {
        std::uint64_t beats = 0;
        Seconds since;  ///< its beats stand still
    };
    /// A rank that is behind, and how.
    struct Laggard {
        std::uint64_t rank = 0;
        int on_node = 0;
        Seconds silent;  ///< its thread does not beat; 0: it does
    };

    void enter(const char* what);
    void leave();
    void watch();
    void look(Seconds time);
    [[nodiscard]] std::vector<Laggard> laggards(Seconds time) const;
    [[nodiscard]] std::string describe(const std::vector<Laggard>& behind, Seconds waited) const;
    [[nodiscard]] bool speaks(const std::vector<Laggard>& behind) const;
    [[nodiscard]] bool is_over(const std::vector<Laggard>& behind, Seconds waited) const;
    void end_job(const std::vector<Laggard>& behind, Seconds waited);
    [[nodiscard]] Line& line(int on_node) const;

    WatchdogOptions options_;
    FlightRecorder recorder_;
    std::shared_ptr<NodeMemory> board_;
    Line own_without_board_;
    int ranks_ = 1;
    int on_node_ = 0;
    int node_size_ = 1;
    std::vector<Seen> seen_;

    std::atomic<const char*> what_{nullptr};  ///< null: this rank does not wait
    std::atomic<double> waits_since_{0};
    std::atomic<std::int64_t> step_{0};
    Seconds step_began_;                   ///< of the thread that steps
    std::atomic<double> longest_step_{0};  ///< seconds; 0: none is complete
    Seconds last_look_;
    std::uint64_t warned_of_ = 0;  ///< the wait that was warned of

    std::mutex mutex_;
    std::condition_variable stop_changed_;
    bool stop_ = false;
    std::thread thread_;  ///< last: it uses all of the above
};

}  // namespace hpml::comm
