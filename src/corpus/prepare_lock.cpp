#include "corpus/prepare_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/file_lock.h"
#include "base/host.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

/// A run that was killed a moment ago may still be dying while the same command starts again.
constexpr Seconds kPatience{2.0};

fs::path lock_file(const fs::path& output) { return output / "prepare.lock"; }

FileHandle open_lock(const fs::path& output) {
    const fs::path path = lock_file(output);
    FileHandle handle(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!handle.is_open()) {
        throw OutputError("cannot create " + path.string() + ": " + errno_text(errno) +
                          " (the output folder must be writable); choose another --output");
    }
    return handle;
}

std::string this_process_text() {
    const std::string job = environment_variable("SLURM_JOB_ID");
    return "process " + std::to_string(::getpid()) + (job.empty() ? "" : " of job " + job) +
           " on " + host_name() + " since " + utc_timestamp();
}

bool is_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Whether it is NAME.tmp-PID, as AtomicFile calls it, of a NAME that a preparation writes.
bool is_leftover(std::string_view name) {
    constexpr std::string_view kMark = ".tmp-";
    const auto at = name.rfind(kMark);
    if (at == std::string_view::npos || !is_digits(name.substr(at + kMark.size()))) {
        return false;
    }
    name = name.substr(0, at);
    for (const std::string_view whole : {"manifest.json", "prepare.json", "vocab.txt", "vocab.json",
                                         "merges.txt", "tokenizer_config.json"}) {
        if (name == whole) {
            return true;
        }
    }
    for (const auto& [begin, end] : {std::pair<std::string_view, std::string_view>{"train-", ".h5"},
                                     {"validation-", ".h5"},
                                     {"train-", ".h5.json"},
                                     {"validation-", ".h5.json"},
                                     {"piece-", ""},
                                     {"piece-", ".json"}}) {
        if (name.size() > begin.size() + end.size() && name.starts_with(begin) &&
            name.ends_with(end) &&
            is_digits(name.substr(begin.size(), name.size() - begin.size() - end.size()))) {
            return true;
        }
    }
    return false;
}

}  // namespace

PrepareLock::PrepareLock(const fs::path& output) : output_(output), handle_(open_lock(output)) {
    const Stopwatch watch;
    FileLock lock = try_lock(handle_);
    while (lock == FileLock::Held && watch.elapsed() < kPatience) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        lock = try_lock(handle_);
    }
    if (lock == FileLock::Held) {
        const std::string holder = read_text(lock_file(output));
        throw OutputError(output.string() + " is being prepared by " +
                          (holder.empty() ? "another process" : holder) +
                          " (two would overwrite each other's files); wait for it, or give another "
                          "--output");
    }
    guards_ = lock == FileLock::Ours;
    write_holder();
}

void PrepareLock::write_holder() {
    const std::string text = this_process_text();
    // In place: a rename would leave the lock on a file without a name.
    if (::ftruncate(handle_.get(), 0) != 0) {
        throw IoError("writing " + lock_file(output_).string() + " failed: " + errno_text(errno));
    }
    write_all(handle_.get(), std::as_bytes(std::span(text)), lock_file(output_));
}

PrepareLock::~PrepareLock() {
    if (::ftruncate(handle_.get(), 0) != 0) {
        return;  // the kernel decides whether it is held; the text is for messages only
    }
}

int PrepareLock::remove_leftovers(const fs::path& folder) const {
    int removed = 0;
    std::error_code failure;
    for (auto at = fs::directory_iterator(folder, failure);
         !failure && at != fs::directory_iterator(); at.increment(failure)) {
        std::error_code ignored;
        if (guards_ && is_leftover(at->path().filename().string()) &&
            at->is_regular_file(ignored) && fs::remove(at->path(), ignored)) {
            ++removed;
        }
    }
    return removed;
}

}  // namespace hpml::corpus
