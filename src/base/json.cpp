#include "base/json.h"

#include <set>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace hpml {

namespace {

constexpr int kMaxDepth = 64;

/// Depth before the parser recurses: brackets outside strings.
bool too_deep(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kMaxDepth) {
                return true;
            }
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}

template <class AnyJson>
AnyJson parse_checked(std::string_view text, const std::string& name, Bytes limit) {
    if (text.size() > limit.value) {
        throw InputError(name + " has " + std::to_string(text.size()) + " bytes of JSON (limit " +
                         std::to_string(limit.value) + ")");
    }
    // The parser would take a zero byte for the end of the text and accept whatever follows.
    if (text.find('\0') != std::string_view::npos) {
        throw InputError(name + " holds a zero byte, which JSON cannot");
    }
    if (too_deep(text)) {
        throw InputError(name + " nests JSON more than " + std::to_string(kMaxDepth) +
                         " levels deep");
    }
    std::vector<std::set<std::string>> keys;
    std::string duplicate;
    const auto watch_keys = [&](int, typename AnyJson::parse_event_t event, AnyJson& parsed) {
        if (event == AnyJson::parse_event_t::object_start) {
            keys.emplace_back();
        } else if (event == AnyJson::parse_event_t::object_end) {
            keys.pop_back();
        } else if (event == AnyJson::parse_event_t::key &&
                   !keys.back().insert(parsed.template get<std::string>()).second) {
            duplicate = parsed.template get<std::string>();
        }
        return true;
    };
    try {
        AnyJson json = AnyJson::parse(text, watch_keys);
        if (!duplicate.empty()) {
            throw InputError(name + " has the key '" + duplicate + "' twice");
        }
        return json;
    } catch (const nlohmann::json::exception& failure) {
        throw InputError(name + " is not valid JSON: " + failure.what());
    }
}

}  // namespace

Json parse_json(std::string_view text, const std::string& name, Bytes limit) {
    return parse_checked<Json>(text, name, limit);
}

SortedJson parse_sorted_json(std::string_view text, const std::string& name, Bytes limit) {
    return parse_checked<SortedJson>(text, name, limit);
}

Json read_json(const std::filesystem::path& path, Bytes limit) {
    return parse_json(read_text(path, limit), path.string(), limit);
}

void write_json(const std::filesystem::path& path, const Json& json) {
    write_text_atomically(path, json.dump(2) + "\n");
}

}  // namespace hpml
