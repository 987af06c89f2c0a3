#include "support/command.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace hpml::test {

int CommandResult::count(const std::string& text) const {
    int found = 0;
    for (auto at = output.find(text); at != std::string::npos;
         at = output.find(text, at + text.size())) {
        ++found;
    }
    return found;
}

CommandResult run_command(const std::string& command, int seconds) {
    // `timeout` leads a process group of its own, so a hanging mpirun dies with its ranks.
    std::string quoted = command;
    for (auto at = quoted.find('\''); at != std::string::npos; at = quoted.find('\'', at + 4)) {
        quoted.replace(at, 1, "'\\''");
    }
    const std::string line =
        "exec 2>&1; exec timeout -k 5 " + std::to_string(seconds) + " bash -c '" + quoted + "'";
    CommandResult result;
    FILE* pipe = ::popen(line.c_str(), "r");
    std::array<char, 4096> piece{};
    while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), pipe)) {
        result.output.append(piece.data(), got);
    }
    const int status = ::pclose(pipe);
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

std::string program(const std::string& name) {
    return std::string(HPML_BINARY_DIR) + "/bin/" + name;
}

std::string mpirun(int ranks) {
    return "mpirun --allow-run-as-root --oversubscribe -np " + std::to_string(ranks) + " ";
}

std::string source(const std::string& path) { return std::string(HPML_SOURCE_DIR) + "/" + path; }

}  // namespace hpml::test
