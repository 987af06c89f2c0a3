#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "support/command.h"

namespace hpml::test {

/// A command that runs beside the test. What still runs of it at the end of the scope is killed.
class Background {
  public:
    /// @param command  of one program (it replaces the shell, so `pid` is the program's)
    /// @param log  file that takes stdout and stderr
    Background(const std::string& command, std::filesystem::path log);
    ~Background();
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;
    Background(Background&&) = delete;
    Background& operator=(Background&&) = delete;

    [[nodiscard]] int pid() const { return pid_; }
    /// Wait for the end; code 124 if it has not come after `seconds`.
    [[nodiscard]] CommandResult wait(double seconds);

  private:
    int pid_;
    std::filesystem::path log_;
    int status_ = 0;
    bool is_over_ = false;
};

/// Processes whose parent is `pid`, e.g. the ranks that an mpirun has started, in rising order.
[[nodiscard]] std::vector<int> children_of(int pid);
/// The state letter of /proc/PID/stat; ' ' if there is no such process.
[[nodiscard]] char state_of(int pid);
/// Whether `pid` has ended; a zombie has.
[[nodiscard]] bool has_ended(int pid);
/// Look every 20 ms until it holds. @return whether it did within `seconds`
[[nodiscard]] bool wait_until(double seconds, const std::function<bool()>& condition);
/// Running processes of `program` (the end of its path) that have `text` on their command line,
/// whoever started them.
[[nodiscard]] std::vector<int> processes_of(const std::string& program, const std::string& text);
/// Names in /dev/shm.
[[nodiscard]] std::set<std::string> shared_memory_names();
/// Names in /dev/shm that are not in `before` and that no process uses: somebody has left them.
[[nodiscard]] std::set<std::string> left_in_shared_memory(const std::set<std::string>& before);
/// A whole file as text; empty if it cannot be read.
[[nodiscard]] std::string text_of(const std::filesystem::path& path);

}  // namespace hpml::test
