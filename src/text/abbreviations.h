#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace hpml::text {

/// Behind which abbreviations no sentence ends: the decision of ICU's FilteredBreakIterator.
class Abbreviations {
  public:
    /// @param list  each ends in a period
    explicit Abbreviations(const std::vector<std::string>& list);
    /// Those of ICU for English. @throw ResourceError if its data are not there
    [[nodiscard]] static Abbreviations english();

    /// Whether the boundary at `end`, inside `text`, is none.
    [[nodiscard]] bool suppress(std::string_view text, std::size_t end) const;

  private:
    struct Ending {
        std::string text;
        /// If not empty, `text` is only what several begin with, and one of these must stand there.
        std::vector<std::string> whole;
    };

    std::array<std::vector<Ending>, 256> by_last_letter_;  ///< longest first
};

}  // namespace hpml::text
