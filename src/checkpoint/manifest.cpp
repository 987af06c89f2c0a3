#include "checkpoint/manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace hpml::checkpoint {

namespace {

constexpr const char* kSelfHash = "manifest_xxh3_128";

bool is_plain_name(const std::string& name) {
    constexpr std::string_view allowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return !name.empty() && name.front() != '.' &&
           name.find_first_not_of(allowed) == std::string::npos && name != kManifestName;
}

}  // namespace

std::string manifest_text(const Manifest& manifest) {
    Json json;
    json["format_version"] = kFormatVersion;
    json["step"] = manifest.step.value;
    json["files"] = Json::array();
    for (const ManifestFile& file : manifest.files) {
        json["files"].push_back(
            {{"name", file.name}, {"bytes", file.bytes.value}, {"xxh3_128", file.digest.hex()}});
    }
    json[kSelfHash] = hash_text(json.dump(2)).hex();
    return json.dump(2) + "\n";
}

Manifest parse_manifest(const std::string& text, const std::string& where) {
    const Json json = parse_json(text, where);
    const auto version = json_member<std::int64_t>(json, "format_version", where);
    if (version != kFormatVersion) {
        throw InputError(where + " has format version " + std::to_string(version) +
                         " (this program reads " + std::to_string(kFormatVersion) +
                         "); use the version of hpml that wrote it");
    }
    Manifest manifest;
    manifest.step = Step(json_member<std::int64_t>(json, "step", where));
    for (const Json& file : json_member<Json>(json, "files", where)) {
        manifest.files.push_back(
            {json_member<std::string>(file, "name", where),
             Bytes(json_member<std::uint64_t>(file, "bytes", where)),
             Digest::from_hex(json_member<std::string>(file, "xxh3_128", where))});
        if (!is_plain_name(manifest.files.back().name)) {
            throw InputError(where + " names a file outside its folder");
        }
    }
    // Comparing the whole text leaves no byte unguarded: not white space, not an unknown key, not
    // the hash itself.
    if (text != manifest_text(manifest)) {
        throw InputError(where + " does not match its own hash " +
                         json_member<std::string>(json, kSelfHash, where) + " (it was changed)");
    }
    return manifest;
}

Bytes total_size(const Manifest& manifest) {
    Bytes sum;
    for (const ManifestFile& file : manifest.files) {
        sum += file.bytes;
    }
    return sum;
}

std::string step_name(Step step) { return fmt::format("step-{:08}", step.value); }

std::optional<Step> step_of(const std::string& name) {
    constexpr std::string_view prefix = "step-";
    if (name.size() < prefix.size() + 8 || name.size() > prefix.size() + 18 ||
        !name.starts_with(prefix) ||
        !std::all_of(name.begin() + prefix.size(), name.end(),
                     [](char c) { return c >= '0' && c <= '9'; })) {
        return std::nullopt;
    }
    return Step(std::stoll(name.substr(prefix.size())));
}

}  // namespace hpml::checkpoint
