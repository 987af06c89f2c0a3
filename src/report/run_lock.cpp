#include "report/run_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <span>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/file_lock.h"
#include "base/json.h"
#include "report/batch_job.h"

namespace hpml {

namespace {

std::filesystem::path lock_file(const std::filesystem::path& run) { return run / "run.lock"; }
std::filesystem::path generation_file(const std::filesystem::path& run) {
    return run / "run_generation";
}

struct Holder {
    ProcessIdentity process;
    std::string since;
};

/// Nothing if the lock is free. A damaged file counts as held by nobody known.
std::optional<Holder> read_holder(const std::filesystem::path& run) {
    const auto file = lock_file(run);
    const std::string text = read_text(file);
    if (text.empty()) {
        return std::nullopt;
    }
    try {
        const Json json = parse_json(text, file.string());
        const std::string where = file.string();
        return Holder{{json_member<std::string>(json, "host", where),
                       json_member<std::int64_t>(json, "pid", where),
                       json_member<std::string>(json, "boot", where),
                       json_member<std::int64_t>(json, "process_started", where),
                       json_member<std::string>(json, "job", where), json.value("cluster", "")},
                      json_member<std::string>(json, "since", where)};
    } catch (const InputError&) {
        return Holder{{"an unknown host", 0, "", 0, ""}, "an unknown time"};
    }
}

FileHandle open_lock(const std::filesystem::path& run) {
    FileHandle handle(::open(lock_file(run).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!handle.is_open()) {
        throw OutputError("cannot create " + lock_file(run).string() + ": " + errno_text(errno) +
                          " (the run directory must be writable); choose another --run");
    }
    return handle;
}

/// Whether another process holds the kernel lock; it is this process's otherwise.
/// @throw OutputError on a file system without locks, unless the user has broken the lock anyway:
/// the file's content alone cannot keep two jobs apart that start at the same moment
bool is_held_by_another(const FileHandle& handle, const std::filesystem::path& run,
                        BreakLock breaking) {
    const FileLock lock = try_lock(handle);
    if (lock == FileLock::Impossible && breaking == BreakLock::No) {
        throw OutputError("cannot lock " + lock_file(run).string() + ": " + errno_text(errno) +
                          " (without file locks two jobs could overwrite each other); choose a "
                          "--run on a file system with locks, or if no other job uses this one, "
                          "give --break-lock");
    }
    return lock == FileLock::Held;
}

std::string takeover_text(const Holder& holder) {
    return "took over the lock of " + process_text(holder.process) + " since " + holder.since +
           ", which has ended";
}

/// A job that was killed a moment ago may still be dying while the same command starts again.
constexpr Seconds kPatience{5.0};

/// A requeued batch job keeps its id, and the batch system has ended its earlier start.
bool is_earlier_start_of_this_job(const ProcessIdentity& holder) {
    const char* restarts = std::getenv("SLURM_RESTART_COUNT");
    return !holder.job.empty() && holder.job == this_process().job && restarts != nullptr &&
           std::atoi(restarts) > 0;
}

}  // namespace

std::int64_t read_generation(const std::filesystem::path& run) {
    const auto file = generation_file(run);
    if (!std::filesystem::exists(file)) {
        return 0;
    }
    const std::string text = read_text(file);
    std::int64_t generation = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), generation);
    if (failure != std::errc() || std::string_view(end) != "\n" || generation < 0) {
        throw InputError(file.string() +
                         " is damaged (it tells old jobs from new ones); see that no job uses this "
                         "run directory, then remove the file");
    }
    return generation;
}

RunLock::RunLock(const std::filesystem::path& run, BreakLock breaking)
    : run_(run), handle_(open_lock(run)) {
    take(breaking);
    generation_ = read_generation(run_) + 1;
    write_holder();
    write_text_atomically(generation_file(run_), std::to_string(generation_) + "\n");
}

void RunLock::take(BreakLock breaking) {
    const Stopwatch watch;
    bool is_held = false;
    Holder known;
    do {
        is_held = is_held_by_another(handle_, run_, breaking);
        const auto holder = read_holder(run_);
        if (!is_held && !holder) {
            return;
        }
        known = holder.value_or(Holder{{"an unknown host", 0, "", 0, ""}, "just now"});
        if (!is_held && (liveness(known.process) == Liveness::Dead ||
                         is_earlier_start_of_this_job(known.process))) {
            notice_ = takeover_text(known);
            return;
        }
        if (!is_held && liveness(known.process) == Liveness::Unknown) {
            break;  // of another host: waiting here tells nothing
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    } while (breaking == BreakLock::No && watch.elapsed() < kPatience);
    // Of another host's holder only the batch system knows.
    if (!is_held && known.process.cluster == this_process().cluster &&
        job_state(known.process.job) == JobState::Ended) {
        notice_ = takeover_text(known);
        return;
    }
    const std::string who = process_text(known.process) + " since " + known.since;
    if (breaking == BreakLock::No) {
        throw OutputError("run is locked by " + who + " (two jobs would overwrite each other in " +
                          run_.string() +
                          "); wait for it, or if it is surely dead, give "
                          "--break-lock");
    }
    notice_ = "broke the lock of " + who + " as --break-lock asks";
    if (is_held) {
        // The old holder keeps its kernel lock on the old file; the generation fences it off.
        std::error_code ignored;
        std::filesystem::remove(lock_file(run_), ignored);
        handle_ = open_lock(run_);
        if (is_held_by_another(handle_, run_, breaking)) {
            throw OutputError("another job took the lock of " + run_.string() +
                              " at the same moment; try again when it has ended");
        }
    }
}

void RunLock::write_holder() {
    const auto self = this_process();
    Json json;
    json["host"] = self.host;
    json["pid"] = self.pid;
    json["boot"] = self.boot;
    json["process_started"] = self.started;
    json["job"] = self.job;
    json["cluster"] = self.cluster;
    json["since"] = utc_timestamp();
    json["generation"] = generation_;
    const std::string text = json.dump(2) + "\n";
    // In place: a rename would leave the kernel lock on a file without a name.
    if (::ftruncate(handle_.get(), 0) != 0 || ::lseek(handle_.get(), 0, SEEK_SET) != 0) {
        throw IoError("writing " + lock_file(run_).string() + " failed: " + errno_text(errno));
    }
    write_all(handle_.get(), std::as_bytes(std::span(text.data(), text.size())), lock_file(run_));
    if (::fsync(handle_.get()) != 0) {
        throw IoError("writing " + lock_file(run_).string() + " failed: " + errno_text(errno));
    }
}

RunLock::~RunLock() {
    // After --break-lock by another job the name belongs to another file, which stays untouched.
    if (::ftruncate(handle_.get(), 0) != 0) {
        return;  // the holder's pid tells the next start that it has ended
    }
}

bool RunLock::is_current() const { return read_generation(run_) == generation_; }

}  // namespace hpml
