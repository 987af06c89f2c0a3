#include "support/process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace hpml::test {

namespace {

/// State letter and parent of /proc/PID/stat, behind the command's last parenthesis.
std::pair<char, int> state_and_parent(int pid) {
    const std::string text = text_of("/proc/" + std::to_string(pid) + "/stat");
    const auto end = text.rfind(')');
    char state = ' ';
    int parent = 0;
    if (end != std::string::npos) {
        std::istringstream(text.substr(end + 1)) >> state >> parent;
    }
    return {state, parent};
}

/// In rising order.
std::vector<int> all_processes() {
    std::vector<int> pids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename().string();
        if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) {
            pids.push_back(std::stoi(name));
        }
    }
    std::sort(pids.begin(), pids.end());
    return pids;
}

}  // namespace

Background::Background(const std::string& command, std::filesystem::path log)
    : pid_(0), log_(std::move(log)) {
    const std::string line = "exec > '" + log_.string() + "' 2>&1 < /dev/null; exec " + command;
    pid_ = ::fork();
    if (pid_ < 0) {
        throw std::runtime_error("cannot start another process");
    }
    if (pid_ == 0) {
        ::setpgid(0, 0);
        ::execl("/bin/bash", "bash", "-c", line.c_str(), nullptr);
        ::_exit(127);
    }
}

Background::~Background() {
    if (is_over_) {
        return;
    }
    for (const int child : children_of(pid_)) {
        ::kill(child, SIGKILL);
    }
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, &status_, 0);
}

CommandResult Background::wait(double seconds) {
    is_over_ = is_over_ ||
               wait_until(seconds, [this] { return ::waitpid(pid_, &status_, WNOHANG) == pid_; });
    CommandResult result;
    result.output = text_of(log_);
    result.code = !is_over_            ? 124
                  : WIFEXITED(status_) ? WEXITSTATUS(status_)
                                       : 128 + WTERMSIG(status_);
    return result;
}

std::vector<int> children_of(int pid) {
    std::vector<int> children = all_processes();
    std::erase_if(children, [pid](int one) { return state_and_parent(one).second != pid; });
    return children;
}

std::vector<int> processes_of(const std::string& program, const std::string& text) {
    std::vector<int> found;
    for (const int pid : all_processes()) {
        const std::string line = text_of("/proc/" + std::to_string(pid) + "/cmdline");
        if (line.substr(0, line.find('\0')).ends_with(program) &&
            line.find(text) != std::string::npos && !has_ended(pid)) {
            found.push_back(pid);
        }
    }
    return found;
}

std::set<std::string> shared_memory_names() {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
        names.insert(entry.path().filename().string());
    }
    return names;
}

std::set<std::string> left_in_shared_memory(const std::set<std::string>& before) {
    std::set<std::string> left = shared_memory_names();
    std::erase_if(left, [&](const std::string& name) { return before.contains(name); });
    for (const int pid : all_processes()) {
        const std::string maps =
            left.empty() ? "" : text_of("/proc/" + std::to_string(pid) + "/maps");
        std::erase_if(left, [&](const std::string& name) {
            return maps.find("/dev/shm/" + name) != std::string::npos;
        });
    }
    // What another job has removed meanwhile was not left.
    const std::set<std::string> now = shared_memory_names();
    std::erase_if(left, [&](const std::string& name) { return !now.contains(name); });
    return left;
}

char state_of(int pid) { return state_and_parent(pid).first; }

bool has_ended(int pid) {
    const char state = state_of(pid);
    return state == ' ' || state == 'Z' || state == 'X';
}

bool wait_until(double seconds, const std::function<bool()>& condition) {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
    while (!condition()) {
        if (Clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace hpml::test
