#include "text/byte_level_splitter.h"

#include <algorithm>

#include "text/utf8.h"

namespace hpml::text {

namespace {

constexpr std::size_t kScalars = 0x110000;

/// Bytes of the contraction that `text` begins with, 0 for none.
std::size_t contraction(std::string_view text) {
    for (const std::string_view one : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
        if (text.starts_with(one)) {
            return one.size();
        }
    }
    return 0;
}

}  // namespace

ByteLevelSplitter::ByteLevelSplitter() : kinds_(kScalars, ByteLevelClass::Other) {
    for (const ByteLevelRange& range : byte_level_ranges()) {
        std::fill(kinds_.begin() + range.first, kinds_.begin() + range.last + 1, range.kind);
    }
    std::copy_n(kinds_.begin(), kAscii, ascii_.begin());
}

/// @param begin  behind the space at `at`, if there is one that another byte follows
std::size_t ByteLevelSplitter::next_rare(std::string_view text, std::size_t at,
                                         std::size_t begin) const {
    const Utf8Character character = first_character(text.substr(begin));
    const ByteLevelClass kind = kinds_[character.point];
    if (kind == ByteLevelClass::Space) {
        return space_end(text, at);
    }
    if (begin == at && character.point == U'\'') {
        if (const std::size_t length = contraction(text.substr(at)); length > 0) {
            return at + length;
        }
    }
    return run_end(text, begin + character.length, kind);
}

std::size_t ByteLevelSplitter::run_end(std::string_view text, std::size_t at,
                                       ByteLevelClass kind) const {
    while (at < text.size()) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte < kAscii) {
            if (ascii_[byte] != kind) {
                break;
            }
            ++at;
            continue;
        }
        const Utf8Character character = first_character(text.substr(at));
        if (kinds_[character.point] != kind) {
            break;
        }
        at += character.length;
    }
    return at;
}

/// Blanks leave their last one to the word behind them.
std::size_t ByteLevelSplitter::space_end(std::string_view text, std::size_t at) const {
    const std::size_t begin = at;
    std::size_t last = at;
    while (at < text.size()) {
        const Utf8Character character = first_character(text.substr(at));
        if (kinds_[character.point] != ByteLevelClass::Space) {
            return last > begin ? last : at;
        }
        last = at;
        at += character.length;
    }
    return at;
}

}  // namespace hpml::text
