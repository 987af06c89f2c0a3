#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "text/character_ranges.h"

namespace hpml::text {

/// A character's canonical decomposition, in lower case.
struct LowerCharacters {
    std::array<char32_t, 8> points{};
    std::size_t count = 0;
};

/// The classes of all characters as one flat table, and the mapping of the uncased models.
class CharacterTable {
  public:
    CharacterTable();

    /// @param point  at most U+10FFFF
    [[nodiscard]] CharacterClass kind(char32_t point) const { return kinds_[point]; }
    /// Decompose (NFD), leave marks out, lower-case the rest.
    [[nodiscard]] LowerCharacters lower(char32_t point) const {
        return point < small_.size() ? small_[point] : make_lower(point);
    }

  private:
    [[nodiscard]] LowerCharacters make_lower(char32_t point) const;

    std::vector<CharacterClass> kinds_;
    std::vector<LowerCharacters> small_;  ///< of the first characters: most European text
};

}  // namespace hpml::text
