#pragma once

#include <fmt/core.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/units.h"

namespace spdlog {
class logger;
}

namespace hpml {

/// Where a program's words go: rank 0 speaks for all on stderr; another rank only warns, with its
/// number in front. Made by main and passed down; copies share the sink.
class Log {
  public:
    /// @param speaks  this is rank 0, or the only process
    Log(Rank rank, bool speaks);

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

    /// Also append every line to `path`. A failure later is reported once, then ignored: logs never
    /// end a run.
    void also_to_file(const std::string& path);
    [[nodiscard]] bool speaks() const noexcept { return speaks_; }

  private:
    void say(std::string_view line) const;
    void say_local(std::string_view line) const;

    std::shared_ptr<spdlog::logger> logger_;
    Rank rank_;
    bool speaks_;
};

}  // namespace hpml
