#include "manifest/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/file.h"
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

constexpr double kLargestMiB = 16;

Json file_record(const ManifestFile& file, std::int64_t format) {
    Json record = {{"name", file.name}, {"bytes", file.bytes.value}};
    if (format == 1) {
        record["xxh3_128"] = file.pieces.front().digest.hex();
        return record;
    }
    record["pieces"] = Json::array();
    for (const Piece& piece : file.pieces) {
        record["pieces"].push_back(
            {{"offset", piece.offset}, {"bytes", piece.bytes}, {"xxh3_128", piece.digest.hex()}});
    }
    return record;
}

Digest digest_of(const Json& record, const std::string& where) {
    return Digest::from_hex(json_member<std::string>(record, "xxh3_128", where));
}

ManifestFile parse_file(const Json& record, std::int64_t format, const std::string& where) {
    ManifestFile file{json_member<std::string>(record, "name", where),
                      Bytes(json_member<std::uint64_t>(record, "bytes", where)),
                      {}};
    if (!is_plain_name(file.name)) {
        throw InputError(where + " names a file outside its folder");
    }
    if (format == 1) {
        file.pieces.push_back({0, file.bytes.value, digest_of(record, where)});
        return file;
    }
    std::uint64_t end = 0;
    for (const Json& piece : json_member<Json>(record, "pieces", where)) {
        file.pieces.push_back({json_member<std::uint64_t>(piece, "offset", where),
                               json_member<std::uint64_t>(piece, "bytes", where),
                               digest_of(piece, where)});
        const Piece& found = file.pieces.back();
        if (found.offset != end || found.bytes > file.bytes.value - end) {
            throw InputError(where + ": the pieces of " + file.name +
                             " do not lie one behind the other");
        }
        end += found.bytes;
    }
    if (end != file.bytes.value || file.pieces.empty()) {
        throw InputError(where + ": the pieces of " + file.name + " do not fill it");
    }
    return file;
}

}  // namespace

ManifestFile whole_file(std::string name, Bytes bytes, Digest digest) {
    return {std::move(name), bytes, {{0, bytes.value, digest}}};
}

std::string manifest_text(const Manifest& manifest) {
    Json json;
    json["format_version"] = manifest.format;
    json["step"] = manifest.step.value;
    if (!manifest.milestone.empty()) {
        json["milestone"] = manifest.milestone;
    }
    json["files"] = Json::array();
    for (const ManifestFile& file : manifest.files) {
        json["files"].push_back(file_record(file, manifest.format));
    }
    json[kSelfHash] = hash_text(json.dump(2)).hex();
    return json.dump(2) + "\n";
}

Manifest parse_manifest(const std::string& text, const std::string& where) {
    const Json json = parse_json(text, where, mib(kLargestMiB));
    Manifest manifest;
    manifest.format = json_member<std::int64_t>(json, "format_version", where);
    if (manifest.format < 1 || manifest.format > kFormatVersion) {
        throw InputError(where + " has format version " + std::to_string(manifest.format) +
                         " (this program reads 1 to " + std::to_string(kFormatVersion) +
                         "); use the version of hpml that wrote it");
    }
    manifest.step = Step(json_member<std::int64_t>(json, "step", where));
    if (json.contains("milestone")) {
        manifest.milestone = json_member<std::string>(json, "milestone", where);
    }
    for (const Json& file : json_member<Json>(json, "files", where)) {
        manifest.files.push_back(parse_file(file, manifest.format, where));
    }
    // Comparing the whole text leaves no byte unguarded: not white space, not an unknown key, not
    // the hash itself.
    if (text != manifest_text(manifest)) {
        throw InputError(where + " does not match its own hash " +
                         json_member<std::string>(json, kSelfHash, where) + " (it was changed)");
    }
    return manifest;
}

Manifest read_manifest(const std::filesystem::path& folder) {
    const auto path = folder / kManifestName;
    if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path))) {
        throw InputError(folder.string() + " has no " + kManifestName +
                         " (its save did not finish, or it is no checkpoint)");
    }
    Manifest manifest = parse_manifest(read_text(path, mib(kLargestMiB)), path.string());
    const auto named = step_of(folder.filename().string());
    if (named && *named != manifest.step) {
        throw InputError(
            fmt::format("{} is of step {} but its folder says {} (it was copied from "
                        "another checkpoint)",
                        path.string(), manifest.step.value, named->value));
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
