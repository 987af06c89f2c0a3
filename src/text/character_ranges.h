#pragma once

#include <cstdint>
#include <span>

namespace hpml::text {

/// What BERT's normaliser and pre-tokeniser do with a character.
enum class CharacterClass : std::uint8_t {
    Letter,       ///< part of a word, whatever it is in Unicode
    Drop,         ///< control and format characters, private use, U+FFFD: removed
    Space,        ///< separates words
    Punctuation,  ///< a word of its own
    Chinese,      ///< a word of its own
    Mark,         ///< removed when lower-casing, else a letter
};

struct CharacterRange {
    char32_t first = 0;
    char32_t last = 0;  ///< inclusive
    CharacterClass kind = CharacterClass::Letter;
};

/// All characters that are not letters, rising. BERT's reference implementation froze these sets at
/// Unicode 8, so they are a table of ours and not the system's Unicode library.
[[nodiscard]] std::span<const CharacterRange> character_ranges();

}  // namespace hpml::text
