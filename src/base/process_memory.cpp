#include "base/process_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "base/megabytes.h"

namespace hpml {

namespace {

namespace fs = std::filesystem;

/// The value of a line "NAME:   123 kB".
Bytes kilobytes_line(const fs::path& path, const std::string& name) {
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line)) {
        if (line.starts_with(name + ":")) {
            std::istringstream rest(line.substr(name.size() + 1));
            std::uint64_t kilobytes = 0;
            rest >> kilobytes;
            return Bytes(kilobytes * 1024);
        }
    }
    return {};
}

/// The soft limit of a line "NAME   SOFT   HARD   UNIT"; "unlimited" is none.
std::optional<Bytes> limits_line(const fs::path& path, const std::string& name) {
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line)) {
        std::uint64_t bytes = 0;
        if (line.starts_with(name) && std::istringstream(line.substr(name.size())) >> bytes) {
            return Bytes(bytes);
        }
    }
    return std::nullopt;
}

/// A file that holds one number; "max" and an absent file are no number.
std::optional<Bytes> number_in(const fs::path& path) {
    std::ifstream file(path);
    std::uint64_t number = 0;
    if (file >> number) {
        return Bytes(number);
    }
    return std::nullopt;
}

/// This process's folder of a hierarchy, by the lines "ID:CONTROLLERS:PATH" of /proc/self/cgroup.
std::string group_of(const fs::path& root, const std::string& controllers) {
    std::ifstream file(root / "proc/self/cgroup");
    std::string line;
    while (std::getline(file, line)) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (second != std::string::npos &&
            line.substr(first + 1, second - first - 1) == controllers) {
            return line.substr(second + 1);
        }
    }
    return "/";
}

struct LimitFiles {
    fs::path hierarchy;
    std::string group;
    std::string limit;
    std::string used;
};

/// Every folder from the process's own up to the root of the hierarchy may set a limit.
void tighten(MemoryReport& report, const LimitFiles& files) {
    // Version 1 says "no limit" with a number near 2^63.
    constexpr Bytes kNoLimit(std::uint64_t{1} << 62);
    fs::path group = fs::path(files.group).relative_path();
    while (true) {
        const auto limit = number_in(files.hierarchy / group / files.limit);
        if (limit && *limit < kNoLimit && (!report.limit || *limit < *report.limit)) {
            report.limit = limit;
            report.limit_used = number_in(files.hierarchy / group / files.used);
        }
        if (group.empty()) {
            return;
        }
        group = group.parent_path();
    }
}

}  // namespace

MemoryReport memory_report() { return memory_report_below("/"); }

MemoryReport memory_report_below(const fs::path& root) {
    MemoryReport report;
    const fs::path self = root / "proc/self";
    report.resident = kilobytes_line(self / "status", "VmRSS");
    report.peak = kilobytes_line(self / "status", "VmHWM");
    report.machine = kilobytes_line(root / "proc/meminfo", "MemTotal");
    report.available = kilobytes_line(root / "proc/meminfo", "MemAvailable");
    report.address_limit = limits_line(self / "limits", "Max address space");
    const fs::path groups = root / "sys/fs/cgroup";
    tighten(report, {groups, group_of(root, ""), "memory.max", "memory.current"});
    tighten(report, {groups / "memory", group_of(root, "memory"), "memory.limit_in_bytes",
                     "memory.usage_in_bytes"});
    return report;
}

Bytes headroom(const MemoryReport& report) {
    if (!report.limit) {
        return report.available;
    }
    const Bytes used = report.limit_used.value_or(Bytes());
    const Bytes left = used < *report.limit ? *report.limit - used : Bytes();
    return std::min(left, report.available);
}

std::string to_text(const MemoryReport& report) {
    std::string text = fmt::format("this process holds {:.0f} MB ({:.0f} MB at most until now)",
                                   megabytes(report.resident), megabytes(report.peak));
    if (report.address_limit) {
        text += fmt::format("; ulimit -v allows it {:.0f} MB of addresses",
                            megabytes(*report.address_limit));
    }
    if (report.limit) {
        text +=
            fmt::format("; its control group has {:.0f} of {:.0f} MB",
                        megabytes(report.limit_used.value_or(Bytes())), megabytes(*report.limit));
    }
    return text + fmt::format("; the machine has {:.0f} of {:.0f} MB left",
                              megabytes(report.available), megabytes(report.machine));
}

Bytes proportional_memory() { return kilobytes_line("/proc/self/smaps_rollup", "Pss"); }

}  // namespace hpml
