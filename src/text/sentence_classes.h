#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace hpml::text {

/// Sentence_Break of Unicode Standard Annex 29.
enum class SentenceClass : std::uint8_t {
    Other,
    Separator,  ///< CR, LF, Sep
    Extend,     ///< Extend and Format: belong to the character before them
    Blank,      ///< Sp
    Lower,
    Upper,
    Letter,  ///< OLetter
    Number,  ///< Numeric
    Period,  ///< ATerm
    Stop,    ///< STerm
    Comma,   ///< SContinue
    Close,
};

/// The classes of all characters by ICU's own Unicode data, so that its rules and ours see the
/// same ones.
class SentenceClasses {
  public:
    SentenceClasses();

    /// @param point  at most U+10FFFF
    [[nodiscard]] SentenceClass of(char32_t point) const { return classes_[point]; }
    /// Whether a byte is a terminator, a separator or no ASCII: what a scan must look at.
    [[nodiscard]] bool is_notable(unsigned char byte) const { return notable_[byte]; }

  private:
    std::vector<SentenceClass> classes_;
    std::array<bool, 256> notable_{};
};

}  // namespace hpml::text
