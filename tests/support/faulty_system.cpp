// A library for LD_PRELOAD in which calls of the C library fail or take their time, as disks,
// network file systems and clocks do. What happens stands in HPML_SYSTEM_FAULT: items with ';'
// between them,
//
//     call=open|read|write|fsync|rename|stat,path=PART[,rank=N][,errno=N][,sleep=MS][,times=N]
//     clock=SECONDS[,rank=N]
//
// PART is a part of the file's name, or its end with a '$' behind it. Without errno a call that is
// no sleep is cut short: write takes one byte. `times` are counted over all calls of this process
// that match; none: always. A clock is that of the day: it jumps forth and back by so much every
// second.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <string>
#include <string_view>

namespace {

struct Fault {
    std::string call;
    std::string path;
    int error = 0;
    long sleep_ms = 0;
    long clock = 0;
    std::atomic<long> left{-1};  // negative: always
};

bool is_this_rank(std::string_view wanted) {
    const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
    return wanted.empty() || (rank != nullptr && wanted == rank);
}

std::deque<Fault> read_faults() {
    std::deque<Fault> faults;
    const char* text = std::getenv("HPML_SYSTEM_FAULT");
    for (std::string_view rest = text == nullptr ? "" : text; !rest.empty();) {
        const auto end = rest.find(';');
        std::string_view item = rest.substr(0, end);
        rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
        Fault& fault = faults.emplace_back();
        std::string rank;
        while (!item.empty()) {
            const auto comma = item.find(',');
            const std::string_view pair = item.substr(0, comma);
            item = comma == std::string_view::npos ? "" : item.substr(comma + 1);
            const auto equals = pair.find('=');
            const std::string_view key = pair.substr(0, equals);
            const std::string value(pair.substr(equals + 1));
            if (key == "call") {
                fault.call = value;
            } else if (key == "path") {
                fault.path = value;
            } else if (key == "rank") {
                rank = value;
            } else if (key == "errno") {
                fault.error = std::atoi(value.c_str());
            } else if (key == "sleep") {
                fault.sleep_ms = std::atol(value.c_str());
            } else if (key == "times") {
                fault.left = std::atol(value.c_str());
            } else if (key == "clock") {
                fault.clock = std::atol(value.c_str());
            }
        }
        if (!is_this_rank(rank)) {
            faults.pop_back();
        }
    }
    return faults;
}

std::deque<Fault>& faults() {
    static std::deque<Fault> all = read_faults();
    return all;
}

bool matches(std::string_view path, std::string_view part) {
    return part.ends_with('$') ? path.ends_with(part.substr(0, part.size() - 1))
                               : path.find(part) != std::string_view::npos;
}

enum class What { Pass, Fail, CutShort };

/// @return what is to become of the call; errno is set for Fail
What meet(const char* call, const char* path) {
    for (Fault& fault : faults()) {
        if (fault.call != call || !matches(path, fault.path)) {
            continue;
        }
        if (fault.left >= 0 && fault.left.fetch_sub(1) <= 0) {
            fault.left = 0;
            continue;
        }
        if (fault.sleep_ms > 0) {
            ::usleep(static_cast<useconds_t>(fault.sleep_ms * 1000));
            continue;
        }
        errno = fault.error;
        return fault.error != 0 ? What::Fail : What::CutShort;
    }
    return What::Pass;
}

What meet(const char* call, int descriptor) {
    if (faults().empty()) {
        return What::Pass;
    }
    std::array<char, 4096> path{};
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    return ::readlink(link.c_str(), path.data(), path.size() - 1) < 0 ? What::Pass
                                                                      : meet(call, path.data());
}

template <class Function>
Function real(const char* name, Function /*like*/) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

int open_really(const char* name, const char* path, int flags, mode_t mode) {
    if (meet("open", path) == What::Fail) {
        return -1;
    }
    return real(name, static_cast<int (*)(const char*, int, ...)>(nullptr))(path, flags, mode);
}

mode_t mode_of(int flags, va_list arguments) {
    return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

ssize_t pread_really(const char* name, int file, void* to, size_t size, off_t offset) {
    static auto* const plain = real(name, &::pread);
    return meet("read", file) == What::Fail ? -1 : plain(file, to, size, offset);
}

int stat_really(const char* path, struct stat* to) {
    static auto* const plain =
        real("stat", static_cast<int (*)(const char*, struct stat*)>(nullptr));
    return meet("stat", path) == What::Fail ? -1 : plain(path, to);
}

/// Seconds that the clock of the day is off at this time.
long clock_error(time_t seconds) {
    long error = 0;
    for (const Fault& fault : faults()) {
        error += seconds % 2 == 0 ? fault.clock : -fault.clock;
    }
    return error;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_really("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_really("open64", path, flags, mode);
}

ssize_t read(int file, void* to, size_t size) {
    static auto* const plain = real("read", &::read);
    return meet("read", file) == What::Fail ? -1 : plain(file, to, size);
}

ssize_t pread(int file, void* to, size_t size, off_t offset) {
    return pread_really("pread", file, to, size, offset);
}

ssize_t pread64(int file, void* to, size_t size, off_t offset) {
    return pread_really("pread64", file, to, size, offset);
}

ssize_t write(int file, const void* from, size_t size) {
    static auto* const plain = real("write", &::write);
    const What what = meet("write", file);
    return what == What::Fail ? -1 : plain(file, from, what == What::CutShort ? 1 : size);
}

ssize_t pwrite(int file, const void* from, size_t size, off_t offset) {
    static auto* const plain = real("pwrite", &::pwrite);
    const What what = meet("write", file);
    return what == What::Fail ? -1 : plain(file, from, what == What::CutShort ? 1 : size, offset);
}

int fsync(int file) {
    static auto* const plain = real("fsync", &::fsync);
    return meet("fsync", file) == What::Fail ? -1 : plain(file);
}

int rename(const char* from, const char* to) noexcept {
    static auto* const plain = real("rename", &::rename);
    return meet("rename", from) == What::Fail ? -1 : plain(from, to);
}

int stat(const char* path, struct stat* to) noexcept { return stat_really(path, to); }

/// As LibTorch calls it, whose copy of std::filesystem is the one that is found first.
int __xstat(int /*version*/, const char* path, struct stat* to) noexcept {  // NOLINT: its name
    return stat_really(path, to);
}

int clock_gettime(clockid_t clock, struct timespec* time) noexcept {
    static auto* const plain = real("clock_gettime", &::clock_gettime);
    const int status = plain(clock, time);
    if (status == 0 && clock == CLOCK_REALTIME) {
        time->tv_sec += clock_error(time->tv_sec);
    }
    return status;
}

time_t time(time_t* to) noexcept {
    struct timespec now {};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (to != nullptr) {
        *to = now.tv_sec;
    }
    return now.tv_sec;
}

int gettimeofday(struct timeval* to, void* /*zone*/) noexcept {
    struct timespec now {};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *to = {now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

}  // extern "C"
