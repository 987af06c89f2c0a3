#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "report/process.h"

namespace hpml {

enum class BreakLock { No, Yes };

/// The right of one job to write in a run directory, and the number of its start. Held by rank 0
/// from before the first write to the end of the run. Two guards: a kernel lock (fcntl, seen by
/// every process of the host and, where the file system supports it, of the cluster) and the
/// content of run.lock, which tells who holds it where the kernel cannot.
class RunLock {
  public:
    /// Take the lock and count this start in run_generation. `run` exists.
    /// A dead holder's lock is taken over: one of this host, or an earlier start of the same
    /// requeued job.
    /// @throw OutputError "run is locked by job 1234 on node07 since ..." while another job holds
    /// it
    ///        (nothing has changed then), or if the lock file cannot be made; IoError
    RunLock(const std::filesystem::path& run, BreakLock breaking);
    /// Empties run.lock. It stays: removing it could take it from under the next job.
    ~RunLock();
    RunLock(const RunLock&) = delete;
    RunLock& operator=(const RunLock&) = delete;
    RunLock(RunLock&&) = delete;
    RunLock& operator=(RunLock&&) = delete;

    /// Which start of this run this is, from 1.
    [[nodiscard]] std::int64_t generation() const noexcept { return generation_; }
    /// What became of an earlier holder ("took over the lock of ..."); empty if there was none. To
    /// be logged.
    [[nodiscard]] const std::string& notice() const noexcept { return notice_; }
    /// Whether no later start has begun: to be asked before anything is published, so that a job
    /// that slept through its own replacement does no harm. @throw IoError, InputError
    [[nodiscard]] bool is_current() const;

  private:
    void take(BreakLock breaking);
    void write_holder();

    std::filesystem::path run_;
    FileHandle handle_;
    std::int64_t generation_ = 0;
    std::string notice_;
};

/// The generation in `run`/run_generation; 0 if nothing has started there.
/// @throw InputError if it is damaged
[[nodiscard]] std::int64_t read_generation(const std::filesystem::path& run);

}  // namespace hpml
