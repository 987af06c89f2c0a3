#include "report/process.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "base/environment.h"
#include "base/host.h"

namespace hpml {

namespace {

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

/// Field 22 of /proc/PID/stat; 0 where there is none. The fields begin behind the command's last
/// parenthesis, because a command may contain blanks.
std::int64_t start_ticks(std::int64_t pid) {
    const std::string line = first_line("/proc/" + std::to_string(pid) + "/stat");
    const auto end = line.rfind(')');
    if (end == std::string::npos) {
        return 0;
    }
    std::istringstream fields(line.substr(end + 1));
    std::string skipped;
    for (int field = 3; field < 22; ++field) {
        fields >> skipped;
    }
    std::int64_t ticks = 0;
    fields >> ticks;
    return ticks;
}

/// A zombie: nothing of it is left but its entry, which its parent has not collected.
bool has_exited(std::int64_t pid) {
    const std::string line = first_line("/proc/" + std::to_string(pid) + "/stat");
    const auto end = line.rfind(')');
    return end != std::string::npos && end + 2 < line.size() &&
           (line[end + 2] == 'Z' || line[end + 2] == 'X');
}

std::string boot_id() { return first_line("/proc/sys/kernel/random/boot_id"); }

}  // namespace

ProcessIdentity this_process() {
    const std::int64_t pid = ::getpid();
    return {host_name(),
            pid,
            boot_id(),
            start_ticks(pid),
            environment_variable("SLURM_JOB_ID"),
            environment_variable("SLURM_CLUSTER_NAME")};
}

Liveness liveness(const ProcessIdentity& process) {
    if (process.host != host_name() || process.pid <= 0) {
        return Liveness::Unknown;
    }
    if (!process.boot.empty() && process.boot != boot_id()) {
        return Liveness::Dead;
    }
    if (::kill(static_cast<pid_t>(process.pid), 0) != 0 && errno == ESRCH) {
        return Liveness::Dead;
    }
    if (has_exited(process.pid)) {
        return Liveness::Dead;
    }
    const std::int64_t ticks = start_ticks(process.pid);
    return process.started != 0 && ticks != 0 && ticks != process.started ? Liveness::Dead
                                                                          : Liveness::Alive;
}

std::string process_text(const ProcessIdentity& process) {
    return (process.job.empty() ? "process " + std::to_string(process.pid) : "job " + process.job) +
           " on " + process.host;
}

}  // namespace hpml
