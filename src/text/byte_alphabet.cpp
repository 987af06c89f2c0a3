#include "text/byte_alphabet.h"

#include "text/utf8.h"

namespace hpml::text {

namespace {

bool is_printable(std::size_t byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
}

}  // namespace

ByteAlphabet::ByteAlphabet() {
    bytes_.fill(-1);
    char32_t next = 0x100;
    for (std::size_t byte = 0; byte < characters_.size(); ++byte) {
        const char32_t point = is_printable(byte) ? static_cast<char32_t>(byte) : next++;
        char utf8[4];
        characters_[byte].assign(utf8, put_character(point, utf8));
        bytes_.at(point) = static_cast<std::int16_t>(byte);
    }
}

std::string ByteAlphabet::written(std::string_view text) const {
    std::string result;
    for (const char byte : text) {
        result += character(static_cast<unsigned char>(byte));
    }
    return result;
}

std::optional<std::string> ByteAlphabet::bytes(std::string_view token) const {
    std::string result;
    while (!token.empty()) {
        const Utf8Character character = first_character(token);
        if (character.point >= bytes_.size() || bytes_[character.point] < 0) {
            return std::nullopt;
        }
        result.push_back(static_cast<char>(bytes_[character.point]));
        token.remove_prefix(character.length);
    }
    return result;
}

}  // namespace hpml::text
