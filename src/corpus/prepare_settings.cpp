#include "corpus/prepare_settings.h"

#include <algorithm>

#include "base/error.h"
#include "corpus/manifest.h"
#include "corpus/shard.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFileName = "prepare.json";
constexpr const char* kContent = "input content xxh3_128";
constexpr const char* kStamp = "input times xxh3_128";  ///< no setting: it may change

void check_same(const fs::path& output, const Json& there, const Json& now) {
    const std::string table = differing_settings(there, now);
    if (!table.empty()) {
        throw MismatchError(output.string() +
                            " was prepared with other settings (its shards would mix two corpora); "
                            "give another --output or remove the folder:" +
                            table);
    }
}

bool has_all_shards(const fs::path& output, const Manifest& manifest) {
    for (const auto* split : {&manifest.train, &manifest.validation}) {
        for (const ShardEntry& shard : *split) {
            std::error_code failure;
            if (fs::file_size(output / shard.name, failure) != shard.bytes || failure) {
                return false;
            }
        }
    }
    return std::ranges::all_of(text::file_names(manifest.tokenizer),
                               [&](const auto& name) { return fs::exists(output / name); });
}

}  // namespace

Json piece_settings(const PrepareOptions& options, const text::Tokenizer& tokenizer,
                    const std::vector<InputEntry>& inputs, const Digest& content) {
    Json settings{{"format_version", kShardFormatVersion},
                  {"format", text::format_name(options.documents.format)},
                  {"field", options.documents.field},
                  {"lower-case", tokenizer.letter_case() == text::LetterCase::Lower},
                  {"pack", name_of(options.pack)},
                  {"seed", options.seed},
                  {"shuffle", options.shuffle},
                  {"duplicates", duplicates_name(options.duplicates)},
                  {"vocab xxh3_128", tokenizer.hash().hex()}};
    settings.update(input_settings(inputs, content));
    return settings;
}

Json corpus_settings(const PrepareOptions& options, std::int64_t sequence_length, Json pieces) {
    pieces["sequence-length"] = sequence_length;
    pieces["short-sequences"] = options.short_sequences;
    pieces["sequences-per-shard"] = options.sequences_per_shard;
    pieces["validation-fraction"] = options.validation_fraction;
    return pieces;
}

Json input_settings(const std::vector<InputEntry>& inputs, const Digest& content) {
    Hasher names;
    Bytes bytes;
    for (const InputEntry& input : inputs) {
        names.update(input.name + '\0' + std::to_string(input.size.value) + '\0');
        bytes += input.size;
    }
    return Json{{"input files", inputs.size()},
                {"input bytes", bytes.value},
                {"input names xxh3_128", names.digest().hex()},
                {kContent, content.hex()}};
}

std::string differing_settings(const Json& there, const Json& now) {
    std::string table;
    for (const auto& [key, value] : now.items()) {
        const std::string stored = there.contains(key) ? there.at(key).dump() : "(none)";
        if (stored != value.dump()) {
            table += fmt::format("\n  {:<20} there: {}   now: {}", key, stored, value.dump());
        }
    }
    return table;
}

Digest settings_hash(const Json& settings) { return hash_text(settings.dump()); }

OutputState examine_output(const fs::path& output, const Json& settings) {
    const bool has_manifest = fs::exists(output / "manifest.json");
    if (!fs::exists(output / kFileName)) {
        if (has_manifest) {
            throw MismatchError(output.string() + " holds a corpus without its " + kFileName +
                                " (it cannot be compared with these settings); give another "
                                "--output or remove the folder");
        }
        return OutputState::New;
    }
    check_same(output, read_json(output / kFileName), settings);
    if (!has_manifest) {
        return OutputState::Unfinished;
    }
    const Manifest manifest = read_manifest(output);
    const bool is_whole =
        manifest.settings_hash == settings_hash(settings) && has_all_shards(output, manifest);
    return is_whole ? OutputState::Finished : OutputState::Unfinished;
}

void write_settings(const fs::path& output, const Json& settings, const Digest& stamp) {
    Json noted = settings;
    noted[kStamp] = stamp.hex();
    write_json(output / kFileName, noted);
}

std::optional<Digest> known_content(const fs::path& output, const Digest& stamp) {
    const fs::path path = output / kFileName;
    if (!fs::exists(path)) {
        return std::nullopt;
    }
    const Json noted = read_json(path);
    if (!noted.contains(kStamp) || !noted.contains(kContent) ||
        json_member<std::string>(noted, kStamp, path.string()) != stamp.hex()) {
        return std::nullopt;
    }
    return Digest::from_hex(json_member<std::string>(noted, kContent, path.string()));
}

}  // namespace hpml::corpus
