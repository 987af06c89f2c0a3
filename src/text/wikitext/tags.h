#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hpml::text {

/// What a tag means for plain text.
enum class TagAction : std::uint8_t {
    Unknown,     ///< no tag of wikitext: the characters stand for themselves
    Strip,       ///< the tag goes, what it encloses stays
    Space,       ///< likewise, and words on both sides stay apart
    Break,       ///< likewise, and a paragraph ends
    Drop,        ///< goes with what it encloses, up to the first closing tag of its name
    DropNested,  ///< likewise, up to the closing tag that belongs to it
    Literal,     ///< what it encloses is no wikitext
    Formula,     ///< goes with what it encloses, and a placeholder stands for it
};

constexpr std::size_t kTagNames = 128;  ///< more than there are

struct Tag {
    TagAction action = TagAction::Unknown;
    std::uint8_t name = 0;  ///< below kTagNames, one for each name
    bool is_closing = false;
    bool is_empty = false;  ///< ends in "/>"
    std::size_t end = 0;    ///< position behind the tag
};

/// The tag at `at`, where `page` has a '<'. It ends with its first '>' outside quotes, and is at
/// most a kilobyte long.
[[nodiscard]] Tag read_tag(std::string_view page, std::size_t at);

}  // namespace hpml::text
