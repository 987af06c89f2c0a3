#include "text/wikitext/site.h"

#include <utf8proc.h>

#include <algorithm>

#include "text/utf8.h"

namespace hpml::text {

namespace {

constexpr std::size_t kLongestPrefix = 64;

/// Lower case, '_' as a blank, without blanks around.
std::string folded(std::string_view name) {
    std::string result;
    while (!name.empty()) {
        const Utf8Character character = first_character(name);
        name.remove_prefix(character.length);
        if (character.point == U'_' || character.point == U' ') {
            result.push_back(' ');
            continue;
        }
        char bytes[4];
        const auto lower = utf8proc_tolower(static_cast<utf8proc_int32_t>(character.point));
        result.append(bytes, put_character(static_cast<char32_t>(lower), bytes));
    }
    const std::size_t begin = std::min(result.find_first_not_of(' '), result.size());
    return result.substr(begin, result.find_last_not_of(' ') + 1 - begin);
}

/// Codes of Wikipedias have two or three letters, but for these.
bool is_language(std::string_view prefix) {
    constexpr std::string_view kLonger[] = {
        "simple", "be-tarask", "be-x-old", "bat-smg",  "cbk-zam",      "fiu-vro", "map-bms",
        "nds-nl", "roa-rup",   "roa-tara", "tokipona", "zh-classical", "zh-yue",  "zh-min-nan"};
    const bool is_short = (prefix.size() == 2 || prefix.size() == 3) &&
                          std::ranges::all_of(prefix, [](char c) { return c >= 'a' && c <= 'z'; });
    return is_short || std::ranges::find(kLonger, prefix) != std::end(kLonger);
}

}  // namespace

WikiSite::WikiSite()
    : hidden_{"file", "image", "media", "category",
              // Names of files that wikis have given up and still know.
              "bild", "imagen", "immagine", "afbeelding", "grafika", "imagem", "изображение"} {}

void WikiSite::add_namespace(int number, std::string_view name) {
    if ((number == -2 || number == 6 || number == 14) && !name.empty()) {
        hidden_.push_back(folded(name));
    }
}

bool WikiSite::hides(std::string_view prefix) const {
    if (prefix.size() > kLongestPrefix) {
        return false;
    }
    // A language's code stands in lower case; "It: a novel" is a title.
    return is_language(prefix) || std::ranges::find(hidden_, folded(prefix)) != hidden_.end();
}

}  // namespace hpml::text
