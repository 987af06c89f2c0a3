#include "comm/trace/trace.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <limits>
#include <span>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/host.h"
#include "comm/trace/merge.h"

namespace hpml::comm {

namespace {

constexpr std::chrono::milliseconds kFlush{100};

/// A thread may have looked at the clock and then lost its core before it told; older records than
/// this are taken to be complete.
constexpr std::int64_t kLate = 20'000'000;  // nanoseconds

FileHandle open_part(const std::filesystem::path& path) {
    FileHandle part(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!part.is_open()) {
        throw OutputError("cannot make " + path.string() +
                          " for the timeline: " + errno_text(errno) + "; give another --trace");
    }
    return part;
}

}  // namespace

Trace::Trace(const mpi::Communicator& ranks, const mpi::Communicator& node, TraceOptions options)
    : ranks_(ranks.duplicate()),
      options_(std::move(options)),
      part_path_(trace_part(options_.file, ranks.rank())),
      ring_(is_recorded() ? options_.capacity : 1),
      clock_(is_recorded() ? agree_on_clock(ranks, node, options_.clock_shift) : TraceClock{}),
      text_(ranks.rank(), clock_) {
    if (!is_recorded()) {
        return;
    }
    mpi::agree(ranks, [&] { part_ = open_part(part_path_); });
    text_.lines() = "[\n";
    text_.begin(host_name());
    flush(false);
    thread_ = std::thread([this] { write_now_and_then(); });
}

Trace::~Trace() {
    try {
        stop_writing();
    } catch (...) {
        // What the part has lost so nobody asked for.
    }
}

void Trace::push(TraceRecord record) noexcept {
    if (!is_recorded()) {
        return;
    }
    record.step = Step(step_.load(std::memory_order_relaxed));
    if (!ring_.push(record)) {
        lost_.fetch_add(1, std::memory_order_relaxed);
    }
}

void Trace::note(TracePoint point, std::uint64_t number, Bytes size) noexcept {
    push({.begin = TraceClock::now(), .number = number, .size = size, .point = point});
}

void Trace::note_since(std::int64_t begin, TracePoint point, std::uint64_t number) noexcept {
    push({.begin = begin, .end = TraceClock::now(), .number = number, .point = point});
}

void Trace::mark(TracePoint point, TraceEnd which) noexcept {
    push({.begin = TraceClock::now(), .point = point, .which = which});
    if (options_.ranges.push == nullptr) {
        return;
    }
    if (which == TraceEnd::Begin) {
        options_.ranges.push(name_of(point).data());  // a literal
    } else {
        options_.ranges.pop();
    }
}

void Trace::write_now_and_then() {
    std::unique_lock lock(mutex_);
    while (!stop_changed_.wait_for(lock, kFlush, [this] { return stop_; })) {
        flush(false);
    }
}

void Trace::flush(bool all) {
    const std::int64_t now = TraceClock::now();
    TraceRecord record;
    while (ring_.pop(record)) {
        text_.add(record);
    }
    text_.tell_until(all ? std::numeric_limits<std::int64_t>::max() : now - kLate);
    std::string& lines = text_.lines();
    if (failure_.empty()) {
        try {
            write_all(part_.get(), std::as_bytes(std::span(lines)), part_path_);
        } catch (const std::exception& error) {
            failure_ = error.what();
        }
    }
    lines.clear();
}

void Trace::stop_writing() {
    if (!thread_.joinable()) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    stop_changed_.notify_one();
    thread_.join();
    flush(true);
}

std::uint64_t Trace::finish() {
    if (!is_recorded()) {
        return 0;
    }
    stop_writing();
    std::int64_t lost = static_cast<std::int64_t>(lost_.load());
    mpi::agree(ranks_, [&] {
        const int error = part_.close();
        if (failure_.empty() && error != 0) {
            failure_ = part_path_.string() + ": " + errno_text(error);
        }
        if (!failure_.empty()) {
            throw IoError("the timeline ends before the run: " + failure_);
        }
    });
    ranks_.sum(std::span(&lost, 1));
    merge_trace(ranks_, options_.file, static_cast<std::uint64_t>(lost));
    std::error_code ignored;
    std::filesystem::remove(part_path_, ignored);
    return static_cast<std::uint64_t>(lost);
}

void require_trace_folder(const std::filesystem::path& file) {
    const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    if (!std::filesystem::is_directory(folder)) {
        throw OutputError("--trace " + file.string() + ": there is no folder " + folder.string() +
                          " (the timeline is written during the run); make it first");
    }
    if (std::filesystem::is_directory(file)) {
        throw OutputError("--trace " + file.string() + " is a folder; name a file in it");
    }
    if (::access(folder.c_str(), W_OK | X_OK) != 0) {
        throw OutputError("--trace " + file.string() + ": " + folder.string() +
                          " cannot be written in: " + errno_text(errno));
    }
}

std::filesystem::path trace_part(const std::filesystem::path& file, Rank rank) {
    return file.string() + fmt::format(".rank-{}.part", rank.value);
}

}  // namespace hpml::comm
