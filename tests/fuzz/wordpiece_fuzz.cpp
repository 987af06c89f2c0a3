#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "text/wordpiece_tokenizer.h"

namespace {

using namespace hpml::text;

Vocabulary small_vocabulary() {
    std::string text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (const char* piece : {"river",      "rivers", "the",
                              "a",          "##s",    "##a",
                              "##river",    "##1",    "1",
                              "2015",       ".",      ",",
                              "'",          "\u00e9", "##\u00e9",
                              "\u00c9cole", "ecole",  "\u4e2d",
                              "##\u0301",   "i",      "##internationalisation"}) {
        text += std::string(piece) + "\n";
    }
    return {std::move(text), "vocabulary"};
}

/// Encoding all must be the same as encoding what stands between the blanks.
void check(const WordPieceTokenizer& tokenizer, std::string_view text) {
    std::vector<std::int32_t> whole;
    std::vector<std::int32_t> parts;
    tokenizer.encode(text, whole);
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t blank = std::min(text.find(' ', at), text.size());
        // In a copy of its own, so that reading beyond it is found.
        tokenizer.encode(std::string(text.substr(at, blank - at)), parts);
        at = blank + 1;
    }
    const bool are_ids = std::all_of(whole.begin(), whole.end(), [&](std::int32_t id) {
        return id >= 0 && id < tokenizer.size();
    });
    if (whole != parts || !are_ids) {
        std::abort();
    }
}

}  // namespace

/// Whatever a text holds, its words are encoded one like the other.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const WordPieceTokenizer lower(small_vocabulary(), LetterCase::Lower);
    static const WordPieceTokenizer keep(small_vocabulary(), LetterCase::Keep);
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check(lower, text);
    check(keep, text);
    return 0;
}
