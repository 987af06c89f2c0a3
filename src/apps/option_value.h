#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/units.h"

namespace hpml {

/// An enumeration shown as words: read and written through two functions.
struct WordTarget {
    std::function<std::string()> read;
    std::function<void(std::size_t)> write;  ///< the index of the chosen word
};

/// A quantity shown in a unit of the option's own, e.g. bytes in MiB: read and written through two
/// functions.
struct ScaledTarget {
    std::function<double()> read;
    std::function<bool(double)> write;  ///< @return whether the target can hold that much
};

/// The plain member that an option fills. It outlives the table.
using OptionTarget = std::variant<bool*, int*, std::int64_t*, std::uint64_t*, double*, Seconds*,
                                  std::string*, std::filesystem::path*, std::vector<std::string>*,
                                  std::vector<std::filesystem::path>*, std::vector<std::int64_t>*,
                                  std::vector<double>*, std::optional<std::int64_t>*,
                                  std::optional<double>*, std::optional<std::string>*,
                                  std::optional<std::filesystem::path>*, WordTarget, ScaledTarget>;

/// What a value may be, beyond its type.
struct ValueRule {
    double least = -std::numeric_limits<double>::infinity();
    double most = std::numeric_limits<double>::infinity();
    bool above_least = false;  ///< `least` itself is refused
    bool below_most = false;   ///< `most` itself is refused
    std::vector<std::string> choices;
    std::string or_suffix;  ///< beside the choices, any file name with this ending
    std::string unit;       ///< of a number, e.g. "MiB"
};

/// Of any time: 114 years, which every clock can count to.
inline constexpr double kMostHours = 1e6;

/// Fill the target from text; a list appends.
/// @return false, the target unchanged, if the text is not what `expectation` says
[[nodiscard]] bool assign_value(const OptionTarget& target, const ValueRule& rule,
                                const std::string& text);
/// The target as text that `assign_value` reads back to the same value: one entry per element of a
/// list, none for an empty text, path or optional.
[[nodiscard]] std::vector<std::string> value_texts(const OptionTarget& target);
/// "a whole number from 1 to 64", "on or off", "one of ring, mpi". Texts and paths hold no '#', no
/// control character and no space at either end: a .cfg file could not give them back.
[[nodiscard]] std::string expectation(const OptionTarget& target, const ValueRule& rule);
/// The bounds and choices in a few characters for --help, e.g. ">= 1"; may be empty.
[[nodiscard]] std::string short_rule(const ValueRule& rule);
/// The placeholder that --help shows when the table names none: N, X, TIME, on|off, PATH, ...
[[nodiscard]] std::string placeholder_for(const OptionTarget& target);

[[nodiscard]] bool is_list(const OptionTarget& target);
/// A text or path, or a list or optional of such: nearly everything is allowed.
[[nodiscard]] bool is_free_text(const OptionTarget& target);
/// Make a list empty before the first value of a new origin; nothing for the others.
void clear_list(const OptionTarget& target);

}  // namespace hpml
