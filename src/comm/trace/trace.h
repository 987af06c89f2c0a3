#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/units.h"
#include "comm/trace/clock.h"
#include "comm/trace/record.h"
#include "comm/trace/ring.h"
#include "comm/trace/text.h"
#include "mpi/communicator.h"

namespace hpml::comm {

/// Who shows the phases of a thread while they last: a profiler's ranges, one inside the other.
struct TraceRanges {
    void (*push)(const char* name) = nullptr;  ///< null: nobody
    void (*pop)() = nullptr;
};

struct TraceOptions {
    std::filesystem::path file;  ///< empty: only the ranges are shown, nothing is recorded
    /// Records that may wait for the writer; a power of two. More are lost, and counted.
    std::size_t capacity = std::size_t{1} << 15;
    std::int64_t clock_shift = 0;  ///< nanoseconds; for tests
    TraceRanges ranges = {};
};

/// The timeline of a run in Chrome's trace format, which Perfetto and chrome://tracing open.
///
/// The threads that work leave records in a ring: no lock, no allocation, no file. A thread of its
/// own writes them ten times a second into FILE.rank-N.part, which can be opened as it is, whatever
/// becomes of the run; the watchdog's thread does not, for a file system that hangs would stop its
/// beats. `finish` puts the parts together. A disk that fills up costs the timeline, not the run.
///
/// Where nobody wants one, the pointer to it is null, and all that remains is that question.
class Trace {
  public:
    /// Collective; the same clock on all ranks.
    /// @param node  the ranks of this one's node
    /// @throw OutputError on every rank if a part cannot be made
    Trace(const mpi::Communicator& ranks, const mpi::Communicator& node, TraceOptions options);
    /// What is recorded goes to the part, which stays where `finish` has not returned.
    ~Trace();
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;
    Trace(Trace&&) = delete;
    Trace& operator=(Trace&&) = delete;

    /// Of what is recorded from now on.
    void set_step(Step step) noexcept { step_.store(step.value, std::memory_order_relaxed); }
    /// Something happened now.
    void note(TracePoint point, std::uint64_t number, Bytes size) noexcept;
    /// Something happened between `begin` (of TraceClock::now) and now.
    void note_since(std::int64_t begin, TracePoint point, std::uint64_t number) noexcept;

    /// A phase of the thread that computes, from construction to destruction. Nothing if null.
    class Span {
      public:
        Span(Trace* trace, TracePoint point) noexcept : trace_(trace), point_(point) {
            if (trace_ != nullptr) {
                trace_->mark(point_, TraceEnd::Begin);
            }
        }
        ~Span() {
            if (trace_ != nullptr) {
                trace_->mark(point_, TraceEnd::End);
            }
        }
        Span(const Span&) = delete;
        Span& operator=(const Span&) = delete;
        Span(Span&&) = delete;
        Span& operator=(Span&&) = delete;

      private:
        Trace* trace_;
        TracePoint point_;
    };

    /// End the recording and let rank 0 put all parts together, under a temporary name first; then
    /// the parts go. Collective.
    /// Nothing without a file.
    /// @return records that were lost, of all ranks
    /// @throw IoError, OutputError on every rank; the parts then stay
    std::uint64_t finish();

    [[nodiscard]] const std::filesystem::path& file() const { return options_.file; }

  private:
    void mark(TracePoint point, TraceEnd which) noexcept;
    void push(TraceRecord record) noexcept;
    void write_now_and_then();
    void flush(bool all);
    void stop_writing();

    [[nodiscard]] bool is_recorded() const noexcept { return !options_.file.empty(); }

    mpi::Communicator ranks_;
    TraceOptions options_;
    std::filesystem::path part_path_;
    TraceRing ring_;
    std::atomic<std::int64_t> step_{0};
    std::atomic<std::uint64_t> lost_{0};

    // Of the thread that writes.
    TraceClock clock_;
    FileHandle part_;
    TraceText text_;
    std::string failure_;  ///< why the part ends; empty: it goes on

    std::mutex mutex_;
    std::condition_variable stop_changed_;
    bool stop_ = false;
    std::thread thread_;  ///< last: it uses all of the above
};

/// Before any work: whether a timeline could be written there. Local.
/// @throw OutputError if the folder is missing or not to be written in, or a folder has that name
void require_trace_folder(const std::filesystem::path& file);

/// The part of a rank: FILE.rank-N.part.
[[nodiscard]] std::filesystem::path trace_part(const std::filesystem::path& file, Rank rank);

}  // namespace hpml::comm
