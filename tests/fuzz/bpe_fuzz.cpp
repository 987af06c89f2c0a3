#include <cstdlib>
#include <string>
#include <string_view>

#include "text/byte_pair_tokenizer.h"
#include "text/utf8.h"

namespace {

using namespace hpml::text;

BytePairTokenizer small_tokenizer() {
    const ByteAlphabet alphabet;
    BytePairParts parts;
    for (int byte = 0; byte < 256; ++byte) {
        parts.tokens.push_back(alphabet.character(static_cast<unsigned char>(byte)));
    }
    // A blank is written as U+0120.
    for (const auto& [left, right] :
         std::initializer_list<std::pair<const char*, const char*>>{{"t", "h"},
                                                                    {"th", "e"},
                                                                    {"\u0120", "the"},
                                                                    {"a", "a"},
                                                                    {"aa", "aa"},
                                                                    {"a", "b"},
                                                                    {"b", "a"},
                                                                    {"\u0120", "\u0120"},
                                                                    {"\u00c3", "\u00a9"},
                                                                    {"1", "2"},
                                                                    {"'", "s"}}) {
        parts.merges.emplace_back(left, right);
        parts.tokens.push_back(parts.merges.back().first + parts.merges.back().second);
    }
    return {std::move(parts), "tokenizer"};
}

}  // namespace

/// Whatever a text holds, its ids are the text again, but for what was no UTF-8.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const BytePairTokenizer tokenizer = small_tokenizer();
    // In a copy of its own, so that reading beyond it is found.
    const std::string text(reinterpret_cast<const char*>(data), size);
    std::vector<std::int32_t> ids;
    tokenizer.encode(text, ids);
    if (tokenizer.decode(ids) != repaired_utf8(text)) {
        std::abort();
    }
    return 0;
}
