#include <array>
#include <cstring>
#include <type_traits>

#include "base/error.h"
#include "corpus/shard.h"
#include "h5/file.h"
#include "h5/lock.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

template <class T>
T attribute_must_be(const fs::path& path, const char* name, const T& found, const T& expected) {
    if (found != expected) {
        std::string text = path.string() + ": attribute '" + name + "' is ";
        if constexpr (std::is_same_v<T, std::string>) {
            text += "'" + found + "' (expected '" + expected + "')";
        } else {
            text += std::to_string(found) + " (expected " + std::to_string(expected) + ")";
        }
        throw InputError(text +
                         "; the shard does not belong to this manifest.json, run "
                         "hpml_prepare again");
    }
    return found;
}

void check_size(const fs::path& path, std::uint64_t bytes, const ShardEntry& entry) {
    if (bytes == entry.bytes) {
        return;
    }
    const char* what = bytes == 0            ? " is empty: 0"
                       : bytes < entry.bytes ? " is truncated: "
                                             : " is too long: ";
    throw InputError(path.string() + what + (bytes == 0 ? "" : std::to_string(bytes)) +
                     " bytes (manifest.json says " + std::to_string(entry.bytes) +
                     "); run hpml_prepare again");
}

void check_hash(const fs::path& path, const ShardEntry& entry) {
    const Digest found = hash_file(path);
    if (found != entry.hash) {
        throw InputError(path.string() + " is damaged: its hash is " + found.hex() +
                         " (manifest.json says " + entry.hash.hex() +
                         "); delete it and run hpml_prepare again");
    }
}

void check_attributes(const fs::path& path, const h5::File& file, const ShardFormat& format) {
    attribute_must_be<std::string>(path, "format", file.text_attribute("format"), "hpml-corpus");
    const std::int64_t version = file.integer_attribute("format_version");
    if (version != kShardFormatVersion) {
        throw InputError(path.string() + ": attribute 'format_version' is " +
                         std::to_string(version) + ", this program reads " +
                         std::to_string(kShardFormatVersion) +
                         " (another version of hpml wrote the shard); run this version's "
                         "hpml_prepare with another --output");
    }
    attribute_must_be(path, "sequence_length", file.integer_attribute("sequence_length"),
                      format.sequence_length);
    attribute_must_be(path, "vocabulary_size", file.integer_attribute("vocabulary_size"),
                      format.vocabulary_size);
    attribute_must_be(path, "vocabulary_hash", file.text_attribute("vocabulary_hash"),
                      format.vocabulary_hash.hex());
    attribute_must_be(path, "settings_hash", file.text_attribute("settings_hash"),
                      format.settings_hash.hex());
}

void length_must_be(const fs::path& path, const h5::Dataset& dataset, std::int64_t expected) {
    if (dataset.length() != expected) {
        throw InputError(path.string() + ": dataset '" + dataset.name() + "' has " +
                         std::to_string(dataset.length()) + " elements (expected " +
                         std::to_string(expected) + " by manifest.json)");
    }
}

template <class T>
T read_value(const InputFile& file, std::uint64_t at) {
    T value{};
    file.read_at(at, std::as_writable_bytes(std::span(&value, 1)));
    return value;
}

}  // namespace

ShardReader::ShardReader(const fs::path& data, const ShardEntry& entry, const ShardFormat& format)
    : format_(format), file_(data / entry.name) {
    // The hash first: HDF5 is not made for hostile bytes, and none get past it.
    check_size(file_.path(), file_.size().value, entry);
    check_hash(file_.path(), entry);
    open(entry);
}

void ShardReader::open(const ShardEntry& entry) {
    const fs::path& path = file_.path();
    const auto lock = h5::lock_library();
    const h5::File file(path);
    check_attributes(path, file, format_);
    wide_ = format_.vocabulary_size >= 65536;
    const h5::Dataset tokens =
        file.dataset("tokens", wide_ ? h5::Element::Int32 : h5::Element::Uint16);
    const h5::Dataset offsets = file.dataset("offsets", h5::Element::Int32);
    const h5::Dataset documents = file.dataset("documents", h5::Element::Int32);
    length_must_be(path, tokens, entry.tokens);
    length_must_be(path, offsets, entry.rows + 1);
    length_must_be(path, documents, entry.rows);
    rows_ = entry.rows;
    token_count_ = entry.tokens;
    first_document_ = file.integer_attribute("first_document");
    tokens_at_ = tokens.file_offset().value_or(0);
    offsets_at_ = offsets.file_offset().value_or(0);
    documents_at_ = documents.file_offset().value_or(0);
    std::array<std::int32_t, 1> first{};
    std::array<std::int32_t, 1> last{};
    offsets.read(0, std::span<std::int32_t>(first));
    offsets.read(rows_, std::span<std::int32_t>(last));
    if (first[0] != 0 || last[0] != token_count_) {
        throw InputError(path.string() + ": dataset 'offsets' runs from " +
                         std::to_string(first[0]) + " to " + std::to_string(last[0]) +
                         " (expected 0 to " + std::to_string(token_count_) + ")");
    }
}

void ShardReader::read_row(std::int64_t row, std::vector<std::int32_t>& tokens) const {
    expects(row >= 0 && row < rows_, "a row of the shard");
    const auto [begin, end] = read_value<std::array<std::int32_t, 2>>(
        file_, offsets_at_ + static_cast<std::uint64_t>(row) * sizeof(std::int32_t));
    if (begin < 0 || end > token_count_ || begin >= end || end - begin > format_.sequence_length) {
        throw InputError(file_.path().string() + ": row " + std::to_string(row) +
                         " goes from token " + std::to_string(begin) + " to " +
                         std::to_string(end) + " (1 to " + std::to_string(format_.sequence_length) +
                         " tokens of " + std::to_string(token_count_) +
                         " expected); run hpml_prepare again");
    }
    tokens.resize(static_cast<std::size_t>(end - begin));
    wide_ ? read_ids<std::int32_t>(begin, tokens) : read_ids<std::uint16_t>(begin, tokens);
    for (std::size_t column = 0; column < tokens.size(); ++column) {
        const std::int32_t id = tokens[column];
        if (id < 0 || id >= format_.vocabulary_size) {
            throw InputError(file_.path().string() + ": row " + std::to_string(row) + ", column " +
                             std::to_string(column) + " holds token id " + std::to_string(id) +
                             " (the vocabulary ends at " +
                             std::to_string(format_.vocabulary_size - 1) +
                             "); run hpml_prepare again with this vocabulary");
        }
    }
}

template <class T>
void ShardReader::read_ids(std::int64_t first, std::vector<std::int32_t>& tokens) const {
    // The narrow ids are read into the vector's own upper half, then widened from the front: each
    // write lands on bytes that have been read already.
    const std::size_t count = tokens.size();
    auto* const bytes = reinterpret_cast<std::byte*>(tokens.data());
    std::byte* const narrow = bytes + count * (sizeof(std::int32_t) - sizeof(T));
    file_.read_at(tokens_at_ + static_cast<std::uint64_t>(first) * sizeof(T),
                  std::span(narrow, count * sizeof(T)));
    if constexpr (sizeof(T) < sizeof(std::int32_t)) {
        for (std::size_t i = 0; i < count; ++i) {
            T id{};
            std::memcpy(&id, narrow + i * sizeof(T), sizeof(T));
            tokens[i] = id;
        }
    }
}

std::int64_t ShardReader::document(std::int64_t row) const {
    expects(row >= 0 && row < rows_, "a row of the shard");
    const auto number = read_value<std::int32_t>(
        file_, documents_at_ + static_cast<std::uint64_t>(row) * sizeof(std::int32_t));
    if (number < 0) {
        throw InputError(file_.path().string() + ": row " + std::to_string(row) + " has document " +
                         std::to_string(number) +
                         " (counted from 'first_document', 0 at least expected); run hpml_prepare "
                         "again");
    }
    return first_document_ + number;
}

void check_shards_present(const fs::path& data, const Manifest& manifest) {
    std::string missing;
    int count = 0;
    for (const auto* split : {&manifest.train, &manifest.validation}) {
        for (const ShardEntry& entry : *split) {
            std::error_code ignored;
            const fs::file_status status = fs::symlink_status(data / entry.name, ignored);
            if (status.type() == fs::file_type::not_found) {
                missing += (count++ > 0 ? ", " : "") + entry.name;
            } else if (status.type() != fs::file_type::regular) {
                throw InputError((data / entry.name).string() +
                                 " is not a regular file (links could lead out of the data "
                                 "folder); put the shard itself there");
            } else {
                check_size(data / entry.name, fs::file_size(data / entry.name), entry);
            }
        }
    }
    if (count > 0) {
        throw MissingInputError(
            std::to_string(count) + " of " +
            std::to_string(manifest.train.size() + manifest.validation.size()) +
            " shards are missing in " + data.string() + ": " + missing +
            "; run hpml_prepare again with the same settings, it makes all shards "
            "anew");
    }
}

}  // namespace hpml::corpus
