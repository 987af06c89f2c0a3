#pragma once

#include <iterator>
#include <string>

#include "base/philox.h"
#include "text/utf8.h"

namespace hpml::test {

/// Text `number` of an endless sequence of awkward ones: random_text of
/// tests/golden/tokenizer_peer.py is the same.
inline std::string random_text(std::uint32_t number) {
    static constexpr const char* kSpice[] = {
        " ",  "  ",     "\n",     "'s",     "'ll",    "'RE", "the",    "I",
        "##", "\u0301", "\u200b", "\u3000", "[MASK]", "<s>", "\u4e2d", "\ufb01"};
    static constexpr std::uint32_t kBounds[] = {0x800, 0xF800, 0x10F800};
    PhiloxStream stream(philox_key(1, RandomUse::Test), number, 0, 0);
    std::string text;
    const std::uint32_t characters = 1 + stream.below(24);
    for (std::uint32_t i = 0; i < characters; ++i) {
        const std::uint32_t kind = stream.below(8);
        if (kind == 4) {
            text += kSpice[stream.below(std::size(kSpice))];
            continue;
        }
        const std::uint32_t point = stream.below(kind < 4 ? 0x80 : kBounds[kind - 5]);
        char utf8[4];
        text.append(utf8, text::put_character(point >= 0xD800 ? point + 0x800 : point, utf8));
    }
    return text;
}

}  // namespace hpml::test
