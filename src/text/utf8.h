#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hpml::text {

/// One character taken from the front of a text.
struct Utf8Character {
    char32_t point = 0;      ///< U+FFFD for a byte that begins no valid character
    std::size_t length = 0;  ///< bytes taken; 1 for an invalid byte

    [[nodiscard]] bool is_invalid() const { return point == U'\uFFFD' && length == 1; }
};

/// The first character of `text`, which must not be empty. Overlong forms, surrogates and anything
/// above U+10FFFF are invalid; each of their bytes reads as one U+FFFD.
[[nodiscard]] Utf8Character first_character(std::string_view text);
/// Write a character as UTF-8. @param point  no surrogate, at most U+10FFFF
/// @param out  room for 4 bytes @return bytes written
std::size_t put_character(char32_t point, char* out);
[[nodiscard]] bool is_utf8(std::string_view text);
/// `text` with a U+FFFD in the place of every invalid byte.
[[nodiscard]] std::string repaired_utf8(std::string_view text);

}  // namespace hpml::text
