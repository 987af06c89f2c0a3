#pragma once

#include <cstdint>
#include <string>

namespace hpml {

/// Who runs: enough to tell later, on the same host, whether that process still lives.
struct ProcessIdentity {
    std::string host;
    std::int64_t pid = 0;
    std::string boot;          ///< the kernel's boot id: a reboot ends every process
    std::int64_t started = 0;  ///< clock ticks after boot, so that a reused pid is not mistaken
    std::string job;           ///< the batch system's job id; empty outside one
    std::string cluster{};     ///< of that id: clusters that share a file system count alike
};

enum class Liveness { Alive, Dead, Unknown };

[[nodiscard]] ProcessIdentity this_process();
/// Unknown for a process of another host.
[[nodiscard]] Liveness liveness(const ProcessIdentity& process);
/// "job 1234 on node07", "process 99 on node07".
[[nodiscard]] std::string process_text(const ProcessIdentity& process);

}  // namespace hpml
