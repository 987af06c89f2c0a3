#pragma once

#include <string>

namespace hpml::test {

/// What a finished command left: its exit code (128 + signal if killed) and all it printed.
struct CommandResult {
    int code = 0;
    std::string output;  ///< stdout and stderr, as they came

    [[nodiscard]] bool says(const std::string& text) const {
        return output.find(text) != std::string::npos;
    }
    /// How often `text` occurs, e.g. "error:", which must come once and not once per rank.
    [[nodiscard]] int count(const std::string& text) const;
};

/// Run a shell command with a deadline; past it, the command and its children are killed and the
/// code is 124.
[[nodiscard]] CommandResult run_command(const std::string& command, int seconds = 300);
/// The path of a built executable.
[[nodiscard]] std::string program(const std::string& name);
/// `mpirun` with `ranks` ranks before a command, made to work in containers and with more ranks
/// than cores.
[[nodiscard]] std::string mpirun(int ranks);
/// A path below the source tree.
[[nodiscard]] std::string source(const std::string& path);

}  // namespace hpml::test
