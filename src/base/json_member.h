#pragma once

#include "base/error.h"

namespace hpml {

template <class T>
T json_member(const Json& json, const char* key, const std::string& where) {
    if (!json.is_object() || !json.contains(key)) {
        throw InputError(where + " has no key '" + key + "'");
    }
    try {
        return json.at(key).get<T>();
    } catch (const nlohmann::json::exception& failure) {
        throw InputError(where + ": key '" + key +
                         "' has the wrong kind of value: " + failure.what());
    }
}

}  // namespace hpml
