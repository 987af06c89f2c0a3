#include "base/terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#include "base/environment.h"
#include "base/file.h"

namespace hpml {

namespace {

/// Whether our parent is an mpirun that passes our lines on as they are. With a tag before each
/// line, or a window or a file per rank, a rewritten line would be a mess.
bool is_plain_mpirun(const std::string& process) {
    std::ifstream name_file(process + "/comm");
    std::string name;
    std::getline(name_file, name);
    constexpr std::array<const char*, 4> kLaunchers{"mpirun", "mpiexec", "orterun", "prterun"};
    if (std::find(kLaunchers.begin(), kLaunchers.end(), name) == kLaunchers.end()) {
        return false;
    }
    std::ifstream command_file(process + "/cmdline");
    const std::string command{std::istreambuf_iterator<char>(command_file), {}};
    return command.find("-output") == std::string::npos &&
           command.find("xterm") == std::string::npos;
}

/// The terminal that shows our stderr; not open if there is none.
FileHandle open_terminal() {
    if (::isatty(STDERR_FILENO) != 0) {
        return FileHandle(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
    }
    const std::string parent = "/proc/" + std::to_string(::getppid());
    if (!is_plain_mpirun(parent)) {
        return {};
    }
    FileHandle launcher(::open((parent + "/fd/2").c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
    return launcher.is_open() && ::isatty(launcher.get()) != 0 ? std::move(launcher) : FileHandle();
}

int columns_of(const FileHandle& terminal) {
    winsize size{};
    // A terminal that does not know its size says 0.
    return ::ioctl(terminal.get(), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

ConsoleStyle choose_style(ColorWhen when, const ConsoleFacts& facts) {
    ConsoleStyle style;
    style.rewrites = facts.is_terminal && !facts.is_dumb;
    style.colors = when == ColorWhen::Always || (when == ColorWhen::Auto && facts.is_terminal &&
                                                 !facts.is_dumb && !facts.no_color);
    return style;
}

ConsoleStyle stderr_style(ColorWhen when) {
    const auto terminal = std::make_shared<FileHandle>(open_terminal());
    ConsoleStyle style = choose_style(when, {.is_terminal = terminal->is_open(),
                                             .no_color = !environment_variable("NO_COLOR").empty(),
                                             .is_dumb = environment_variable("TERM") == "dumb"});
    if (style.rewrites) {
        style.columns = [terminal] { return columns_of(*terminal); };
    }
    return style;
}

std::string with_colored_word(std::string_view line) {
    constexpr int kRed = 31;
    constexpr int kGreen = 32;
    constexpr int kYellow = 33;
    constexpr std::array<std::pair<std::string_view, int>, 5> kWords{{{"warning:", kYellow},
                                                                      {"error:", kRed},
                                                                      {"finished", kGreen},
                                                                      {"interrupted", kYellow},
                                                                      {"failed", kRed}}};
    const std::string_view word = line.substr(0, line.find(' '));
    for (const auto& [known, color] : kWords) {
        if (word == known) {
            return fmt::format("\x1b[{}m{}\x1b[0m{}", color, word, line.substr(word.size()));
        }
    }
    return std::string(line);
}

}  // namespace hpml
