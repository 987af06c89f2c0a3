#pragma once

#include <cstdint>
#include <span>

namespace hpml::text {

/// What GPT-2's regular expression sees in a character.
enum class ByteLevelClass : std::uint8_t {
    Other,   ///< none of the following
    Letter,  ///< \p{L}
    Number,  ///< \p{N}
    Space,   ///< \s
};

struct ByteLevelRange {
    char32_t first = 0;
    char32_t last = 0;  ///< inclusive
    ByteLevelClass kind = ByteLevelClass::Other;
};

/// All characters that are not Other, rising: those of Unicode 16, as the regular expressions of
/// Hugging Face's `tokenizers` 0.23 know them, whatever the system's own Unicode data.
[[nodiscard]] std::span<const ByteLevelRange> byte_level_ranges();

}  // namespace hpml::text
