#include "text/utf8.h"

#include <utf8proc.h>

namespace hpml::text {

Utf8Character first_character(std::string_view text) {
    utf8proc_int32_t point = 0;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                         static_cast<utf8proc_ssize_t>(text.size()), &point);
    if (length <= 0) {
        return {U'\uFFFD', 1};
    }
    return {static_cast<char32_t>(point), static_cast<std::size_t>(length)};
}

std::size_t put_character(char32_t point, char* out) {
    return static_cast<std::size_t>(utf8proc_encode_char(static_cast<utf8proc_int32_t>(point),
                                                         reinterpret_cast<utf8proc_uint8_t*>(out)));
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const Utf8Character character = first_character(text);
        if (character.point == U'\uFFFD' && character.length == 1) {
            return false;
        }
        text.remove_prefix(character.length);
    }
    return true;
}

}  // namespace hpml::text
