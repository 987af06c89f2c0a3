#include "text/wikitext/tags.h"

#include <algorithm>
#include <iterator>

namespace hpml::text {

namespace {

constexpr std::size_t kLongestName = 16;
constexpr std::size_t kLongestTag = 1024;

struct TagName {
    std::string_view name;
    TagAction action;
};

// In the order of the names.
constexpr TagName kTags[] = {
    {"a", TagAction::Strip},           {"abbr", TagAction::Strip},
    {"b", TagAction::Strip},           {"bdi", TagAction::Strip},
    {"bdo", TagAction::Strip},         {"big", TagAction::Strip},
    {"blockquote", TagAction::Break},  {"br", TagAction::Space},
    {"caption", TagAction::Break},     {"categorytree", TagAction::Drop},
    {"ce", TagAction::Formula},        {"center", TagAction::Break},
    {"chem", TagAction::Formula},      {"cite", TagAction::Strip},
    {"code", TagAction::Strip},        {"dd", TagAction::Break},
    {"del", TagAction::Strip},         {"dfn", TagAction::Strip},
    {"div", TagAction::Break},         {"dl", TagAction::DropNested},
    {"dt", TagAction::Break},          {"em", TagAction::Strip},
    {"font", TagAction::Strip},        {"gallery", TagAction::Drop},
    {"graph", TagAction::Drop},        {"h1", TagAction::Break},
    {"h2", TagAction::Break},          {"h3", TagAction::Break},
    {"h4", TagAction::Break},          {"h5", TagAction::Break},
    {"h6", TagAction::Break},          {"hiero", TagAction::Drop},
    {"hr", TagAction::Break},          {"i", TagAction::Strip},
    {"imagemap", TagAction::Drop},     {"includeonly", TagAction::Drop},
    {"indicator", TagAction::Drop},    {"inputbox", TagAction::Drop},
    {"ins", TagAction::Strip},         {"kbd", TagAction::Strip},
    {"langconvert", TagAction::Strip}, {"li", TagAction::Break},
    {"mapframe", TagAction::Drop},     {"maplink", TagAction::Drop},
    {"mark", TagAction::Strip},        {"math", TagAction::Formula},
    {"nobr", TagAction::Strip},        {"noinclude", TagAction::Drop},
    {"nowiki", TagAction::Literal},    {"ol", TagAction::DropNested},
    {"onlyinclude", TagAction::Strip}, {"p", TagAction::Break},
    {"poem", TagAction::Break},        {"pre", TagAction::Drop},
    {"q", TagAction::Strip},           {"ref", TagAction::Drop},
    {"references", TagAction::Drop},   {"rp", TagAction::Strip},
    {"rt", TagAction::Strip},          {"ruby", TagAction::Strip},
    {"s", TagAction::Strip},           {"samp", TagAction::Strip},
    {"score", TagAction::Drop},        {"section", TagAction::Strip},
    {"small", TagAction::Strip},       {"source", TagAction::Drop},
    {"span", TagAction::Strip},        {"strike", TagAction::Strip},
    {"strong", TagAction::Strip},      {"sub", TagAction::Strip},
    {"sup", TagAction::Strip},         {"syntaxhighlight", TagAction::Drop},
    {"table", TagAction::DropNested},  {"td", TagAction::Break},
    {"templatedata", TagAction::Drop}, {"templatestyles", TagAction::Drop},
    {"th", TagAction::Break},          {"time", TagAction::Strip},
    {"timeline", TagAction::Drop},     {"tr", TagAction::Break},
    {"tt", TagAction::Strip},          {"u", TagAction::Strip},
    {"ul", TagAction::DropNested},     {"var", TagAction::Strip},
    {"wbr", TagAction::Strip},
};
static_assert(std::size(kTags) < kTagNames);
static_assert(std::ranges::is_sorted(kTags, {}, &TagName::name));

bool ends_name(char character) {
    return character == '>' || character == '/' || character == ' ' || character == '\n' ||
           character == '\t';
}

/// The '>' that ends the tag whose attributes begin at `from`: the first, as in MediaWiki, unless
/// it stands between quotes that are closed before the next tag begins.
std::size_t find_end(std::string_view page, std::size_t from) {
    const std::size_t first = page.find('>', from);
    if (first == std::string_view::npos) {
        return first;
    }
    const std::string_view attributes = page.substr(from, first - from);
    if (std::ranges::count(attributes, '"') % 2 == 0) {
        return first;
    }
    const std::size_t quote = page.find_first_of("\"<\n", first);
    const bool is_closed = quote != std::string_view::npos && page[quote] == '"';
    const std::size_t last = is_closed ? page.find_first_of("><", quote) : std::string_view::npos;
    return last != std::string_view::npos && page[last] == '>' ? last : first;
}

}  // namespace

Tag read_tag(std::string_view page, std::size_t at) {
    Tag tag;
    std::size_t next = at + 1;
    if (next < page.size() && page[next] == '/') {
        tag.is_closing = true;
        ++next;
    }
    char name[kLongestName];
    std::size_t length = 0;
    for (; next < page.size() && length < kLongestName; ++next, ++length) {
        const char lower = static_cast<char>(page[next] | 0x20);
        const bool is_digit = page[next] >= '0' && page[next] <= '9';
        if (!is_digit && (lower < 'a' || lower > 'z')) {
            break;
        }
        name[length] = is_digit ? page[next] : lower;
    }
    if (length == 0 || next >= page.size() || !ends_name(page[next])) {
        return tag;
    }
    const std::string_view wanted(name, length);
    const auto* found = std::ranges::lower_bound(kTags, wanted, {}, &TagName::name);
    const std::size_t end = find_end(page.substr(0, std::min(page.size(), at + kLongestTag)), next);
    if (found == std::end(kTags) || found->name != wanted || end == std::string_view::npos) {
        return tag;
    }
    tag.action = found->action;
    tag.name = static_cast<std::uint8_t>(found - std::begin(kTags));
    tag.is_empty = page[end - 1] == '/';
    tag.end = end + 1;
    return tag;
}

}  // namespace hpml::text
