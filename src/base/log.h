#pragma once

#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/terminal.h"
#include "base/units.h"

namespace spdlog {
class logger;
}

namespace hpml {

class ConsoleSink;

/// Whether a progress line is only for who looks now, or also for who reads later.
enum class Keep { No, Yes };

/// Where a program's words go: rank 0 speaks for all on stderr; another rank only warns, with its
/// number in front. Made by main and passed down; copies share the sink.
class Log {
  public:
    /// @param speaks  this is rank 0, or the only process
    Log(Rank rank, bool speaks) : Log(rank, speaks, stderr_style(ColorWhen::Auto)) {}
    /// @param stream  unbuffered; outlives every copy
    Log(Rank rank, bool speaks, ConsoleStyle style, std::FILE* stream = stderr);

    /// On paths that every rank takes: printed by rank 0 only.
    template <class... Args>
    void info(fmt::format_string<Args...> format, Args&&... args) const {
        say(fmt::format(format, std::forward<Args>(args)...));
    }
    /// Likewise, behind "warning: ".
    template <class... Args>
    void warn(fmt::format_string<Args...> format, Args&&... args) const {
        say("warning: " + fmt::format(format, std::forward<Args>(args)...));
    }
    /// On paths that one rank takes: printed by that rank, named.
    template <class... Args>
    void warn_local(fmt::format_string<Args...> format, Args&&... args) const {
        say_local("warning: " + fmt::format(format, std::forward<Args>(args)...));
    }

    /// The last words of a rank that ends the job.
    template <class... Args>
    void error_local(fmt::format_string<Args...> format, Args&&... args) const {
        say_local("error: " + fmt::format(format, std::forward<Args>(args)...));
    }

    /// By rank 0, on a terminal: `line` replaces the progress line that was shown before, and other
    /// lines come above it. Elsewhere, and for the file, an ordinary line if it is to be kept, else
    /// nothing.
    void progress(std::string_view line, Keep keep) const;
    /// Let the last progress line stand, if there is one.
    void end_progress() const;
    /// Of the console: a terminal's progress line is to fit in its columns.
    [[nodiscard]] const ConsoleStyle& style() const noexcept { return style_; }

    /// Also append every line to `path`. A failure later is reported once, then ignored: logs never
    /// end a run.
    void also_to_file(const std::string& path);
    [[nodiscard]] bool speaks() const noexcept { return speaks_; }

  private:
    void say(std::string_view line) const;
    void say_local(std::string_view line) const;

    ConsoleStyle style_;
    std::shared_ptr<ConsoleSink> console_;
    std::shared_ptr<spdlog::logger> logger_;
    Rank rank_;
    bool speaks_;
};

}  // namespace hpml
