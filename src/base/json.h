#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/units.h"

namespace hpml {

/// Keys keep the order in which they were added, so that a file we write reads in a sensible order.
using Json = nlohmann::ordered_json;

/// Parse text that may be hostile: at most `limit` bytes, at most 64 levels deep, no duplicate
/// keys.
/// @param name  what to call the text in messages
/// @throw InputError
[[nodiscard]] Json parse_json(std::string_view text, const std::string& name, Bytes limit = mib(1));
/// The same with keys sorted: an object of many keys in log time for each, where keeping their
/// order takes the square.
using SortedJson = nlohmann::json;
[[nodiscard]] SortedJson parse_sorted_json(std::string_view text, const std::string& name,
                                           Bytes limit);
/// @throw MissingInputError, InputError
[[nodiscard]] Json read_json(const std::filesystem::path& path, Bytes limit = mib(1));
/// Indented by 2, newline at the end; written to a temporary name, synced and renamed.
void write_json(const std::filesystem::path& path, const Json& json);

/// The member `key` as T. @throw InputError naming `where`, the key and what was expected
template <class T>
[[nodiscard]] T json_member(const Json& json, const char* key, const std::string& where);

}  // namespace hpml

#include "base/json_member.h"
