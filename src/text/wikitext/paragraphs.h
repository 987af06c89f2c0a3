#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace hpml::text {

/// What a line of wikitext is, by its first characters.
enum class LineKind {
    Text,
    Heading,  ///< begins with '=': a heading if it also ends with one
    Left,     ///< a list item or a table's remains: left out
};

/// Gathers the text of a page line by line. A line without a word is left out, and so is a heading
/// with no text below it.
class Paragraphs {
  public:
    /// Begin a page whose paragraphs are appended to `out`, each ending in LF.
    void begin(std::string& out);
    void put(std::string_view text) { out_->append(text); }
    void put(char character) { out_->push_back(character); }
    /// The line so far, for what appends to it in place.
    [[nodiscard]] std::string& text() { return *out_; }
    /// Something in the line was left out: punctuation around it may be orphaned.
    void note_hole() { has_hole_ = true; }
    [[nodiscard]] bool is_line_empty() const { return out_->size() == line_; }
    void end_line(LineKind kind);

  private:
    static constexpr std::size_t kLevels = 7;  ///< headings have levels 1 to 6

    void tidy();
    void repair();
    [[nodiscard]] bool take_heading();
    void put_headings();

    std::string* out_ = nullptr;
    std::size_t line_ = 0;  ///< where the line begins in the text
    bool has_hole_ = false;
    bool has_headings_ = false;
    std::array<std::string, kLevels> headings_;  ///< by level, of sections without text so far
};

}  // namespace hpml::text
