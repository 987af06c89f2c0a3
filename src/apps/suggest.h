#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpml {

/// Insertions, deletions and replacements that turn `a` into `b` (Levenshtein, 1966).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that a user who typed `word` most likely meant: one that begins with it, else the
/// nearest within a third of its length (at least 2 edits); nothing if none is near.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 const std::vector<std::string>& candidates);

}  // namespace hpml
