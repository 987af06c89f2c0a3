#include <algorithm>

#include "base/error.h"
#include "corpus/shard.h"
#include "h5/file.h"

namespace hpml::corpus {

ShardFormat shard_format(const Manifest& manifest) {
    return {manifest.sequence_length, manifest.vocabulary_size, manifest.vocabulary_hash,
            manifest.settings_hash};
}

ShardWriter::ShardWriter(std::filesystem::path path, const ShardFormat& format)
    : path_(std::move(path)), format_(format) {
    if (format_.vocabulary_size >= 65536) {
        tokens_.emplace<std::vector<std::int32_t>>();
    }
}

void ShardWriter::append(std::span<const std::int32_t> tokens, std::int64_t document) {
    expects(!tokens.empty(), "a row with tokens");
    expects(static_cast<std::int64_t>(tokens.size()) <= format_.sequence_length,
            "a row no longer than the sequence length");
    expects(std::ranges::all_of(
                tokens, [&](std::int32_t id) { return id >= 0 && id < format_.vocabulary_size; }),
            "token ids below the vocabulary's size");
    std::visit(
        [&](auto& stored) {
            using Id = typename std::decay_t<decltype(stored)>::value_type;
            std::ranges::transform(tokens, std::back_inserter(stored),
                                   [](std::int32_t id) { return static_cast<Id>(id); });
        },
        tokens_);
    offsets_.push_back(offsets_.back() + static_cast<std::int64_t>(tokens.size()));
    documents_.push_back(document);
}

ShardEntry ShardWriter::publish() {
    h5::MemoryFile file;
    file.add_attribute("format", std::string("hpml-corpus"));
    file.add_attribute("format_version", kShardFormatVersion);
    file.add_attribute("sequence_length", format_.sequence_length);
    file.add_attribute("vocabulary_size", format_.vocabulary_size);
    file.add_attribute("vocabulary_hash", format_.vocabulary_hash.hex());
    file.add_attribute("settings_hash", format_.settings_hash.hex());
    file.add_dataset("offsets", std::span<const std::int64_t>(offsets_));
    file.add_dataset("documents", std::span<const std::int64_t>(documents_));
    std::visit([&](const auto& stored) { file.add_dataset("tokens", std::span(stored)); }, tokens_);

    const std::vector<std::byte> image = file.image();
    AtomicFile output(path_);
    output.write(image);
    ShardEntry entry{path_.filename().string(), rows(), tokens(), output.size().value,
                     output.digest()};
    output.publish();
    return entry;
}

}  // namespace hpml::corpus
