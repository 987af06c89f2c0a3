#include "corpus/manifest.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

constexpr Bytes kLongest = mib(64);
constexpr std::int64_t kMostBytes = std::int64_t{1} << 40;  ///< of a shard, so that sums stay sums
constexpr const char* kFileName = "manifest.json";

std::int64_t sum(const std::vector<ShardEntry>& shards, std::int64_t ShardEntry::*member) {
    return std::accumulate(
        shards.begin(), shards.end(), std::int64_t{0},
        [member](std::int64_t total, const ShardEntry& shard) { return total + shard.*member; });
}

bool is_plain_name(const std::string& name) {
    const auto allowed = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    return !name.empty() && name != "." && name != ".." && std::ranges::all_of(name, allowed);
}

/// Checks that only need this one value; `key` names it.
void require(bool condition, const std::string& where, const std::string& complaint) {
    if (!condition) {
        throw InputError(where + ": " + complaint + "; run hpml_prepare again");
    }
}

/// A whole number: 1.5 is refused, where the JSON library would cut it to 1.
std::int64_t integer(const Json& json, const char* key, const std::string& where) {
    const auto value = json_member<Json>(json, key, where);
    require(value.is_number_integer(), where, std::string("'") + key + "' is not a whole number");
    return value.get<std::int64_t>();
}

Digest digest_member(const Json& json, const char* key, const std::string& where) {
    const auto text = json_member<std::string>(json, key, where);
    try {
        return Digest::from_hex(text);
    } catch (const InputError& error) {
        throw InputError(where + ": key '" + key + "': " + error.what());
    }
}

std::vector<ShardEntry> parse_shards(const Json& json, const char* key, const std::string& where) {
    const auto list = json_member<Json>(json, key, where);
    require(list.is_array(), where, std::string("'") + key + "' is not a list of shards");
    std::vector<ShardEntry> shards;
    for (const Json& item : list) {
        const std::string place = where + ": " + key + "[" + std::to_string(shards.size()) + "]";
        ShardEntry shard;
        shard.name = json_member<std::string>(item, "name", place);
        require(is_plain_name(shard.name), place,
                "the shard name '" + shard.name +
                    "' is not made of A-Z a-z 0-9 . _ - (it could lead out of the data folder)");
        shard.rows = integer(item, "rows", place);
        shard.tokens = integer(item, "tokens", place);
        const auto bytes = integer(item, "bytes", place);
        require(shard.rows >= 0 && shard.tokens >= shard.rows && bytes >= shard.tokens &&
                    bytes > 0 && bytes <= kMostBytes,
                place, "impossible counts of shard " + shard.name);
        shard.bytes = static_cast<std::uint64_t>(bytes);
        shard.hash = digest_member(item, "xxh3_128", place);
        shards.push_back(std::move(shard));
    }
    return shards;
}

void check_total(const std::string& where, const std::string& key, std::int64_t stated,
                 std::int64_t shards) {
    require(stated == shards, where,
            "'" + key + "' is " + std::to_string(stated) + " but its shards hold " +
                std::to_string(shards));
}

void check_consistency(const Manifest& manifest, const std::string& where) {
    require(manifest.sequence_length >= 3, where, "'sequence_length' is below 3");
    require(manifest.vocabulary_size > 0 && manifest.vocabulary_size <= 0x7FFFFFFF, where,
            "'vocabulary_size' is not between 1 and 2^31 - 1");
    require(
        manifest.documents >= manifest.validation_documents && manifest.validation_documents >= 0,
        where, "'validation_documents' is not between 0 and 'documents'");
    require(std::isfinite(manifest.unigram_entropy_nats) && manifest.unigram_entropy_nats >= 0,
            where, "'unigram_entropy_nats' is not a number from 0");
    check_total(where, "train_tokens", manifest.train_tokens,
                sum(manifest.train, &ShardEntry::tokens));
    check_total(where, "validation_tokens", manifest.validation_tokens,
                sum(manifest.validation, &ShardEntry::tokens));
    std::set<std::string> names;
    for (const auto* split : {&manifest.train, &manifest.validation}) {
        for (const ShardEntry& shard : *split) {
            require(names.insert(shard.name).second, where,
                    "shard " + shard.name + " is listed twice (its rows would count double)");
        }
    }
}

Json shards_to_json(const std::vector<ShardEntry>& shards) {
    Json list = Json::array();
    for (const ShardEntry& shard : shards) {
        list.push_back(Json{{"name", shard.name},
                            {"rows", shard.rows},
                            {"tokens", shard.tokens},
                            {"bytes", shard.bytes},
                            {"xxh3_128", shard.hash.hex()}});
    }
    return list;
}

}  // namespace

std::int64_t Manifest::train_rows() const { return sum(train, &ShardEntry::rows); }

std::int64_t Manifest::validation_rows() const { return sum(validation, &ShardEntry::rows); }

void Manifest::count_tokens() {
    train_tokens = sum(train, &ShardEntry::tokens);
    validation_tokens = sum(validation, &ShardEntry::tokens);
}

Digest Manifest::digest() const {
    std::string text = vocabulary_hash.hex() + " " + settings_hash.hex() + "\n";
    for (const auto* split : {&train, &validation}) {
        text += split == &train ? "train\n" : "validation\n";
        for (const ShardEntry& shard : *split) {
            text += shard.hash.hex() + "\n";
        }
    }
    return hash_text(text);
}

Manifest read_manifest(const fs::path& data) {
    const fs::path path = data / kFileName;
    if (!fs::exists(path)) {
        throw MissingInputError(data.string() +
                                " holds no manifest.json (it is not a prepared corpus, or its "
                                "preparation has not finished); run hpml_prepare --output " +
                                data.string());
    }
    return parse_manifest(read_text(path, kLongest), path.string());
}

Manifest parse_manifest(std::string_view text, const std::string& where) {
    const Json json = parse_json(text, where, kLongest);
    Manifest manifest;
    const std::int64_t version = integer(json, "format_version", where);
    require(version == manifest.format_version, where,
            "'format_version' is " + std::to_string(version) + ", this program reads " +
                std::to_string(manifest.format_version));
    manifest.sequence_length = integer(json, "sequence_length", where);
    manifest.documents = integer(json, "documents", where);
    manifest.validation_documents = integer(json, "validation_documents", where);
    if (json.contains("exact_duplicates")) {
        manifest.exact_duplicates = integer(json, "exact_duplicates", where);
        manifest.near_duplicates = integer(json, "near_duplicates", where);
    }
    manifest.train_tokens = integer(json, "train_tokens", where);
    manifest.validation_tokens = integer(json, "validation_tokens", where);
    manifest.unigram_entropy_nats = json_member<double>(json, "unigram_entropy_nats", where);
    if (json.contains("tokenizer")) {
        manifest.tokenizer =
            text::tokenizer_kind(json_member<std::string>(json, "tokenizer", where));
    }
    manifest.lower_case = json_member<bool>(json, "lower_case", where);
    manifest.pairs = json.contains("pairs") && json_member<bool>(json, "pairs", where);
    manifest.vocabulary_size = integer(json, "vocabulary_size", where);
    manifest.vocabulary_hash = digest_member(json, "vocabulary_xxh3_128", where);
    manifest.settings_hash = digest_member(json, "settings_xxh3_128", where);
    manifest.train = parse_shards(json, "train", where);
    manifest.validation = parse_shards(json, "validation", where);
    check_consistency(manifest, where);
    return manifest;
}

void write_manifest(const fs::path& data, const Manifest& manifest) {
    check_consistency(manifest, (data / kFileName).string());
    write_json(data / kFileName, Json{{"format_version", manifest.format_version},
                                      {"sequence_length", manifest.sequence_length},
                                      {"documents", manifest.documents},
                                      {"validation_documents", manifest.validation_documents},
                                      {"exact_duplicates", manifest.exact_duplicates},
                                      {"near_duplicates", manifest.near_duplicates},
                                      {"train_tokens", manifest.train_tokens},
                                      {"validation_tokens", manifest.validation_tokens},
                                      {"unigram_entropy_nats", manifest.unigram_entropy_nats},
                                      {"tokenizer", text::name_of(manifest.tokenizer)},
                                      {"lower_case", manifest.lower_case},
                                      {"pairs", manifest.pairs},
                                      {"vocabulary_size", manifest.vocabulary_size},
                                      {"vocabulary_xxh3_128", manifest.vocabulary_hash.hex()},
                                      {"settings_xxh3_128", manifest.settings_hash.hex()},
                                      {"train", shards_to_json(manifest.train)},
                                      {"validation", shards_to_json(manifest.validation)}});
}

}  // namespace hpml::corpus
