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
#include "comm/laggard.h"
#include "comm/node_channel.h"
#include "comm/node_memory.h"
#include "comm/shm_team.h"
#include "mpi/communicator.h"

namespace hpml::comm {

struct WatchdogOptions {
    Seconds warn_after{10};  ///< a wait this long is told, with the ranks that are behind
    /// A wait this long for a rank that shows no sign of life ends the job with exit 76; for one
    /// that lives but has not come, if it is also five times the longest step so far, or ten times
    /// this during the first step and outside the steps: ranks may have different amounts of work,
    /// and files take their time. 0: never.
    Seconds timeout{120};
    /// Where a hang leaves flight-rank-N.jsonl; empty: nowhere.
    std::filesystem::path folder;
    /// Called on the one live rank that speaks for all it can see, from the watchdog's thread.
    std::function<void(const std::string&)> warn = [](const std::string&) {};
    std::function<void(const std::string&)> fail = [](const std::string&) {};  ///< the last words
    /// Ends this process; replaced in tests.
    std::function<void()> leave;
};

/// Sees that a rank hangs, which MPI does not. Every rank counts the waits that it enters where the
/// others of its node see it, and a thread of each rank beats; once a second the nodes tell each
/// other who is how far (NodeChannel). A rank that has entered fewer waits, or beats no more, is
/// behind; it is named first in a warning, then when the job is ended. A rank that goes on in time
/// is waited for as if nothing had happened.
///
/// Watches what is entered as a `Wait`, and every wait of a communicator made with
/// Communicator::watched_by. Owns no lock of the engine and calls no MPI after its construction.
class Watchdog : public mpi::WaitObserver {
  public:
    /// Collective over the ranks of the job.
    Watchdog(const mpi::Communicator& ranks, const mpi::Communicator& node,
             WatchdogOptions options);
    ~Watchdog() override;
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    Watchdog(Watchdog&&) = delete;
    Watchdog& operator=(Watchdog&&) = delete;

    /// While it lives, this rank waits for the others: made in the same order on every rank, by one
    /// thread.
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

    /// While it lives, the waits are those of some work outside the steps, e.g. "the validation":
    /// with more patience.
    class Phase {
      public:
        /// @param watchdog  null: nobody watches
        /// @param name  a string that stays
        Phase(Watchdog* watchdog, const char* name);
        ~Phase();
        Phase(const Phase&) = delete;
        Phase& operator=(const Phase&) = delete;
        Phase(Phase&&) = delete;
        Phase& operator=(Phase&&) = delete;

      private:
        Watchdog* watchdog_;
        const char* outer_ = nullptr;
        Seconds began_;
    };

    void begin_wait() noexcept override { enter("other ranks"); }
    void end_wait() noexcept override { leave(); }

    /// The step that this rank works on: for messages, and to know how long steps are.
    void set_step(Step step) noexcept;
    [[nodiscard]] FlightRecorder& recorder() { return recorder_; }
    /// Why ranks of other nodes cannot be named; empty: they can, or there are none.
    [[nodiscard]] const std::string& obstacle() const { return obstacle_; }

  private:
    static constexpr const char* kStart = "the start";  ///< the phase before the first step

    /// In the rank's part of the node's memory.
    struct Line {
        alignas(64) SharedCounter beats{0};
        alignas(64) SharedCounter waits{0};    ///< entered
        alignas(64) SharedCounter buckets{0};  ///< submitted in the step
        std::atomic<std::int64_t> step{0};
        SharedCounter rank{0};         ///< of the job
        SharedCounter lost_leader{0};  ///< by the node's leader: another node is silent
        std::atomic<double> lost{0};   ///< for so many seconds; 0: none is
    };
    /// What was last seen of another rank of this node.
    struct Seen {
        std::uint64_t beats = 0;
        Seconds since;  ///< its beats stand still
    };
    /// What was last heard of another node.
    struct Heard {
        NodeReport report;
        Seconds at;
    };

    void enter(const char* what) noexcept;
    void leave() noexcept;
    void watch();
    void look(Seconds time);
    void exchange(Seconds time);
    [[nodiscard]] NodeReport own_report(Seconds time) const;
    [[nodiscard]] RankState state_of(int on_node, Seconds time) const;
    [[nodiscard]] std::vector<Laggard> laggards(Seconds time) const;
    void add_other_nodes(Seconds time, std::vector<Laggard>& behind) const;
    [[nodiscard]] std::string tell(const std::vector<Laggard>& behind, Seconds waited) const;
    [[nodiscard]] bool speaks(const std::vector<Laggard>& behind, Seconds time) const;
    [[nodiscard]] Seconds limit(const std::vector<Laggard>& behind) const;
    [[nodiscard]] bool is_time_to_warn(const std::vector<Laggard>& behind, Seconds waited) const;
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
    std::unique_ptr<NodeChannel> channel_;
    std::string obstacle_;
    std::vector<Heard> heard_;  ///< by node; of the leader
    Seconds told_;              ///< when the others were last told

    std::atomic<const char*> what_{nullptr};  ///< null: this rank does not wait
    std::atomic<const char*> phase_{kStart};  ///< null: in a step
    int depth_ = 0;                           ///< waits within waits, of the thread that waits
    std::atomic<double> waits_since_{0};
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
