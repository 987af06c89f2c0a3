#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace hpml {

/// --color.
enum class ColorWhen { Auto, Always, Never };

/// What the console can show.
struct ConsoleStyle {
    bool rewrites = false;  ///< a terminal, where a line can replace the one before
    bool colors = false;
    /// Of a terminal, asked anew each time: people resize windows.
    std::function<int()> columns = [] { return 120; };
};

/// What the choice depends on.
struct ConsoleFacts {
    bool is_terminal = false;
    bool no_color = false;  ///< $NO_COLOR is set and not empty
    bool is_dumb = false;   ///< $TERM is "dumb": it knows no escape sequences
};

/// `always` colors also what is no terminal; `auto` a terminal that nobody has told not to.
[[nodiscard]] ConsoleStyle choose_style(ColorWhen when, const ConsoleFacts& facts);

/// The style of stderr, where all lines for people go. Under mpirun that is a pipe to mpirun; if
/// mpirun, our parent, shows it on its own terminal as it comes, that terminal counts.
[[nodiscard]] ConsoleStyle stderr_style(ColorWhen when);

/// `line` with its first word in color if that word is one that a reader should not miss:
/// "warning:", "error:", or a verdict ("finished", "interrupted", "failed").
[[nodiscard]] std::string with_colored_word(std::string_view line);

}  // namespace hpml
