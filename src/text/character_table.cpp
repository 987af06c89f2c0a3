#include "text/character_table.h"

#include <utf8proc.h>

#include <algorithm>

namespace hpml::text {

namespace {

constexpr std::size_t kScalars = 0x110000;
constexpr char32_t kSmall = 0x800;

/// Characters younger than the Unicode data of one of the two sides: the reference decomposes by
/// Unicode 9 and lower-cases by Unicode 17, the system's library does both by its own version.
struct YoungRange {
    char32_t first;
    char32_t last;
    std::int32_t shift;  ///< to the lower-case letter, 0 for none
};
constexpr YoungRange kYoung[] = {
    {0x1C89, 0x1C89, 1},      {0xA7CB, 0xA7CB, 0x264 - 0xA7CB},
    {0xA7CC, 0xA7CC, 1},      {0xA7CE, 0xA7CE, 1},
    {0xA7D2, 0xA7D2, 1},      {0xA7D4, 0xA7D4, 1},
    {0xA7DA, 0xA7DA, 1},      {0xA7DC, 0xA7DC, 0x19B - 0xA7DC},
    {0x105C0, 0x105FF, 0},    {0x10D50, 0x10D65, 0x20},
    {0x11380, 0x113CF, 0},    {0x11938, 0x11938, 0},
    {0x16120, 0x1612F, 0},    {0x16D60, 0x16D6F, 0},
    {0x16EA0, 0x16EB8, 0x1B},
};

const YoungRange* find_young(char32_t point) {
    const auto* found = std::lower_bound(
        std::begin(kYoung), std::end(kYoung), point,
        [](const YoungRange& range, char32_t value) { return range.last < value; });
    return found != std::end(kYoung) && found->first <= point ? found : nullptr;
}

}  // namespace

CharacterTable::CharacterTable() : kinds_(kScalars, CharacterClass::Letter) {
    for (const CharacterRange& range : character_ranges()) {
        std::fill(kinds_.begin() + range.first, kinds_.begin() + range.last + 1, range.kind);
    }
    for (char32_t point = 0; point < kSmall; ++point) {
        small_.push_back(make_lower(point));
    }
}

LowerCharacters CharacterTable::make_lower(char32_t point) const {
    LowerCharacters result;
    if (const YoungRange* young = find_young(point)) {
        result.points[0] = point + static_cast<char32_t>(young->shift);
        result.count = 1;
        return result;
    }
    std::array<utf8proc_int32_t, std::tuple_size_v<decltype(result.points)>> parts{};
    int last_boundary = 0;
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(point), parts.data(),
                                               static_cast<utf8proc_ssize_t>(parts.size()),
                                               UTF8PROC_DECOMPOSE, &last_boundary);
    for (std::size_t i = 0; i < parts.size() && static_cast<utf8proc_ssize_t>(i) < count; ++i) {
        const auto part = static_cast<char32_t>(parts[i]);
        if (kind(part) != CharacterClass::Mark) {
            result.points[result.count++] = static_cast<char32_t>(utf8proc_tolower(parts[i]));
        }
    }
    return result;
}

}  // namespace hpml::text
