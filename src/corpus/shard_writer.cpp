#include <algorithm>
#include <limits>

#include "base/error.h"
#include "corpus/shard.h"
#include "h5/file.h"

namespace hpml::corpus {

namespace {

/// Numbers of documents, counted from `first`.
std::vector<std::int32_t> counted_from(std::int64_t first, std::span<const std::int64_t> documents,
                                       const std::filesystem::path& shard) {
    std::vector<std::int32_t> relative;
    relative.reserve(documents.size());
    for (const std::int64_t document : documents) {
        if (document - first > std::numeric_limits<std::int32_t>::max()) {
            throw InputError(shard.string() + " would hold documents " + std::to_string(first) +
                             " and " + std::to_string(document) +
                             " (a shard's are less than 2^31 numbers apart); prepare the input in "
                             "several parts");
        }
        relative.push_back(static_cast<std::int32_t>(document - first));
    }
    return relative;
}

}  // namespace

ShardFormat shard_format(const Manifest& manifest) {
    return {manifest.sequence_length, manifest.vocabulary_size, manifest.vocabulary_hash,
            manifest.settings_hash, manifest.pairs};
}

ShardWriter::ShardWriter(std::filesystem::path path, const ShardFormat& format)
    : path_(std::move(path)), format_(format) {
    if (format_.vocabulary_size >= 65536) {
        tokens_.emplace<std::vector<std::int32_t>>();
    }
}

void ShardWriter::append(std::span<const std::int32_t> tokens, std::int64_t document,
                         RowPair pair) {
    expects(!tokens.empty(), "a row with tokens");
    expects(static_cast<std::int64_t>(tokens.size()) <= format_.sequence_length,
            "a row no longer than the sequence length");
    expects(std::ranges::all_of(
                tokens, [&](std::int32_t id) { return id >= 0 && id < format_.vocabulary_size; }),
            "token ids below the vocabulary's size");
    expects(this->tokens() + static_cast<std::int64_t>(tokens.size()) <= kMostShardTokens &&
                document >= 0,
            "a shard and a document that the format can number");
    std::visit(
        [&](auto& stored) {
            using Id = typename std::decay_t<decltype(stored)>::value_type;
            const std::size_t before = stored.size();
            stored.resize(before + tokens.size());
            std::ranges::transform(tokens, stored.begin() + static_cast<std::ptrdiff_t>(before),
                                   [](std::int32_t id) { return static_cast<Id>(id); });
        },
        tokens_);
    offsets_.push_back(offsets_.back() + static_cast<std::int32_t>(tokens.size()));
    documents_.push_back(document);
    if (format_.pairs) {
        expects(pair.first_part >= 0 && pair.first_part < static_cast<std::int64_t>(tokens.size()),
                "a second part within the row");
        first_parts_.push_back(static_cast<std::uint16_t>(pair.first_part));
        next_sentence_labels_.push_back(pair.is_random ? 1 : 0);
    }
}

ShardEntry ShardWriter::publish() {
    const std::int64_t first = documents_.empty() ? 0 : std::ranges::min(documents_);
    const auto documents = counted_from(first, documents_, path_);
    h5::MemoryFile file;
    file.add_attribute("format", std::string("hpml-corpus"));
    file.add_attribute("format_version", kShardFormatVersion);
    file.add_attribute("sequence_length", format_.sequence_length);
    file.add_attribute("vocabulary_size", format_.vocabulary_size);
    file.add_attribute("vocabulary_hash", format_.vocabulary_hash.hex());
    file.add_attribute("settings_hash", format_.settings_hash.hex());
    file.add_attribute("first_document", first);
    file.add_dataset("offsets", std::span<const std::int32_t>(offsets_));
    file.add_dataset("documents", std::span<const std::int32_t>(documents));
    if (format_.pairs) {
        file.add_dataset("first_parts", std::span<const std::uint16_t>(first_parts_));
        file.add_dataset("next_sentence_labels",
                         std::span<const std::uint16_t>(next_sentence_labels_));
    }
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
