#include "text/utf8.h"

#include <array>
#include <cstdint>

#include "text/word_key.h"

namespace hpml::text {

namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080u;

/// The forms of two to four bytes, by the number of bytes after the first.
struct Form {
    unsigned char lead_mask;
    unsigned char lead;
    char32_t least;  ///< below it the form is overlong
};
constexpr std::array<Form, 4> kForms{
    {{0, 0, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}}};

bool is_scalar(char32_t point) { return point < 0xD800 || (point > 0xDFFF && point <= 0x10FFFF); }

/// Bytes of the ASCII text that `text` begins with, found eight at a time: perhaps up to seven
/// less.
std::size_t ascii_prefix(std::string_view text) {
    std::size_t at = 0;
    while (at + 8 <= text.size() && (load_eight(text.data() + at) & kHighBits) == 0) {
        at += 8;
    }
    return at;
}

}  // namespace

Utf8Character first_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) {
        return {lead, 1};
    }
    for (std::size_t more = 1; more < kForms.size() && more < text.size(); ++more) {
        const Form& form = kForms[more];
        if ((lead & form.lead_mask) != form.lead) {
            continue;
        }
        char32_t point = lead & static_cast<unsigned char>(~form.lead_mask);
        bool is_valid = true;
        for (std::size_t i = 1; i <= more; ++i) {
            is_valid = is_valid && (byte(i) & 0xC0) == 0x80;
            point = point << 6 | (byte(i) & 0x3F);
        }
        if (is_valid && point >= form.least && is_scalar(point)) {
            return {point, more + 1};
        }
        break;
    }
    return {U'\uFFFD', 1};
}

std::size_t put_character(char32_t point, char* out) {
    if (point < 0x80) {
        out[0] = static_cast<char>(point);
        return 1;
    }
    const std::size_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    for (std::size_t i = more; i > 0; --i) {
        out[i] = static_cast<char>(0x80 | (point & 0x3F));
        point >>= 6;
    }
    out[0] = static_cast<char>(kForms[more].lead | point);
    return more + 1;
}

bool is_utf8(std::string_view text) {
    while (true) {
        text.remove_prefix(ascii_prefix(text));
        // What follows is checked one by one as far as a word of eight bytes.
        for (std::size_t taken = 0; taken < 8;) {
            if (text.empty()) {
                return true;
            }
            const Utf8Character character = first_character(text);
            if (character.is_invalid()) {
                return false;
            }
            text.remove_prefix(character.length);
            taken += character.length;
        }
    }
}

std::string repaired_utf8(std::string_view text) {
    std::string repaired;
    while (!text.empty()) {
        const Utf8Character character = first_character(text);
        repaired += character.is_invalid() ? std::string_view("\xEF\xBF\xBD")
                                           : text.substr(0, character.length);
        text.remove_prefix(character.length);
    }
    return repaired;
}

}  // namespace hpml::text
