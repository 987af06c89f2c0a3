#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hpml::text {

/// Append the character that "&name;", "&#1234;" or "&#x12ab;" at the front of `text` stands for; a
/// no-break space and control characters become a blank.
/// @param text  begins with '&' @return bytes taken; 0 if that is no entity, and nothing is added
std::size_t decode_entity(std::string_view text, std::string& out);

}  // namespace hpml::text
