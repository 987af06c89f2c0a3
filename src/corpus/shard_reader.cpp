#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "corpus/shard.h"
#include "h5/file.h"
#include "h5/lock.h"

namespace hpml::corpus {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kMostDocuments = std::int64_t{1} << 62;

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

void check_hash(InputFile& file, const ShardEntry& entry) {
    const Digest found = hash_file(file);
    if (found != entry.hash) {
        throw InputError(file.path().string() + " is damaged: its hash is " + found.hex() +
                         " (manifest.json says " + entry.hash.hex() +
                         "); delete it and run hpml_prepare again");
    }
}

/// HDF5 opens by name what is mapped here already.
void check_not_replaced(const InputFile& file) {
    struct stat open = {};
    struct stat named = {};
    const bool is_same = ::fstat(file.descriptor(), &open) == 0 &&
                         ::stat(file.path().c_str(), &named) == 0 && open.st_dev == named.st_dev &&
                         open.st_ino == named.st_ino;
    if (!is_same) {
        throw InputError(file.path().string() +
                         " was replaced while it was being opened (two files would be mixed); "
                         "leave the data alone and start the same command again");
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
T value_at(std::span<const std::byte> column, std::int64_t index) {
    T value{};
    std::memcpy(&value, column.data() + static_cast<std::size_t>(index) * sizeof(T), sizeof(T));
    return value;
}

/// Stored ids, each a T, from id `first` on, as 32 bits.
/// @return false if any lies outside [0, size). One pass that the compiler makes vectors of.
template <class T>
bool widen(std::span<const std::byte> column, std::int64_t first, std::span<std::int32_t> ids,
           std::int64_t size) {
    const std::byte* const stored = column.data() + static_cast<std::size_t>(first) * sizeof(T);
    const auto last = static_cast<std::uint32_t>(size - 1);
    std::uint32_t bad = 0;  // the sign bit of any id, and of what is left of it to the last
    for (std::size_t i = 0; i < ids.size(); ++i) {
        T id{};
        std::memcpy(&id, stored + i * sizeof(T), sizeof(T));
        ids[i] = id;
        bad |= static_cast<std::uint32_t>(ids[i]) | (last - static_cast<std::uint32_t>(ids[i]));
    }
    return bad >> 31 == 0;
}

}  // namespace

ShardReader::ShardReader(const fs::path& data, const ShardEntry& entry, const ShardFormat& format)
    : ShardReader(InputFile(data / entry.name), entry, format) {}

ShardReader::ShardReader(InputFile file, const ShardEntry& entry, const ShardFormat& format)
    : path_(file.path()), format_(format), file_(file) {
    // The hash first: HDF5 is not made for hostile bytes, and none get past it.
    check_size(path_, file_.bytes().size(), entry);
    check_hash(file, entry);
    open(entry);
    check_not_replaced(file);
    check_offsets();
}

void ShardReader::open(const ShardEntry& entry) {
    const auto lock = h5::lock_library();
    const h5::File file(path_);
    check_attributes(path_, file, format_);
    wide_ = format_.vocabulary_size >= 65536;
    const h5::Dataset tokens =
        file.dataset("tokens", wide_ ? h5::Element::Int32 : h5::Element::Uint16);
    const h5::Dataset offsets = file.dataset("offsets", h5::Element::Int32);
    const h5::Dataset documents = file.dataset("documents", h5::Element::Int32);
    length_must_be(path_, tokens, entry.tokens);
    length_must_be(path_, offsets, entry.rows + 1);
    length_must_be(path_, documents, entry.rows);
    rows_ = entry.rows;
    token_count_ = entry.tokens;
    first_document_ = file.integer_attribute("first_document");
    if (first_document_ < 0 || first_document_ > kMostDocuments) {
        throw InputError(path_.string() + ": attribute 'first_document' is " +
                         std::to_string(first_document_) + " (0 to " +
                         std::to_string(kMostDocuments) + " expected); run hpml_prepare again");
    }
    tokens_ = column(tokens);
    offsets_ = column(offsets);
    documents_ = column(documents);
    if (format_.pairs) {
        open_pairs(file, entry);
    }
}

void ShardReader::open_pairs(const h5::File& file, const ShardEntry& entry) {
    for (const auto& [name, kept] : {std::pair("first_parts", &first_parts_),
                                     std::pair("next_sentence_labels", &next_sentence_labels_)}) {
        const h5::Dataset dataset = file.dataset(name, h5::Element::Uint16);
        length_must_be(path_, dataset, entry.rows);
        *kept = column(dataset);
    }
}

ShardReader::Column ShardReader::column(const h5::Dataset& dataset) const {
    const std::size_t bytes =
        static_cast<std::size_t>(dataset.length()) * h5::size_of(dataset.element());
    const std::uint64_t begin = dataset.file_offset().value_or(0);
    const std::size_t size = file_.bytes().size();
    if (begin > size || bytes > size - begin) {
        throw InputError(path_.string() + ": dataset '" + dataset.name() + "' lies at bytes " +
                         std::to_string(begin) + " to " + std::to_string(begin + bytes) + " of " +
                         std::to_string(size) + "; run hpml_prepare again");
    }
    return file_.bytes().subspan(begin, bytes);
}

void ShardReader::check_offsets() const {
    const auto first = value_at<std::int32_t>(offsets_, 0);
    const auto last = value_at<std::int32_t>(offsets_, rows_);
    if (first != 0 || last != token_count_) {
        throw InputError(path_.string() + ": dataset 'offsets' runs from " + std::to_string(first) +
                         " to " + std::to_string(last) + " (expected 0 to " +
                         std::to_string(token_count_) + ")");
    }
}

void ShardReader::read_row(std::int64_t row, std::vector<std::int32_t>& tokens) const {
    expects(row >= 0 && row < rows_, "a row of the shard");
    const std::int64_t begin = value_at<std::int32_t>(offsets_, row);
    const std::int64_t end = value_at<std::int32_t>(offsets_, row + 1);
    if (begin < 0 || end > token_count_ || begin >= end || end - begin > format_.sequence_length) {
        throw InputError(path_.string() + ": row " + std::to_string(row) + " goes from token " +
                         std::to_string(begin) + " to " + std::to_string(end) + " (1 to " +
                         std::to_string(format_.sequence_length) + " tokens of " +
                         std::to_string(token_count_) + " expected); run hpml_prepare again");
    }
    tokens.resize(static_cast<std::size_t>(end - begin));
    const bool all_known =
        wide_ ? widen<std::int32_t>(tokens_, begin, tokens, format_.vocabulary_size)
              : widen<std::uint16_t>(tokens_, begin, tokens, format_.vocabulary_size);
    if (!all_known) {
        refuse_ids(row, tokens);
    }
}

void ShardReader::refuse_ids(std::int64_t row, std::span<const std::int32_t> tokens) const {
    const auto bad = std::ranges::find_if(
        tokens, [&](std::int32_t id) { return id < 0 || id >= format_.vocabulary_size; });
    throw InputError(path_.string() + ": row " + std::to_string(row) + ", column " +
                     std::to_string(bad - tokens.begin()) + " holds token id " +
                     std::to_string(*bad) + " (the vocabulary ends at " +
                     std::to_string(format_.vocabulary_size - 1) +
                     "); run hpml_prepare again with this vocabulary");
}

RowPair ShardReader::pair(std::int64_t row) const {
    expects(row >= 0 && row < rows_, "a row of the shard");
    if (!format_.pairs) {
        return {};
    }
    const std::int64_t first_part = value_at<std::uint16_t>(first_parts_, row);
    const auto label = value_at<std::uint16_t>(next_sentence_labels_, row);
    const std::int64_t length =
        value_at<std::int32_t>(offsets_, row + 1) - value_at<std::int32_t>(offsets_, row);
    if (first_part >= length || label > 1) {
        throw InputError(path_.string() + ": row " + std::to_string(row) + " of " +
                         std::to_string(length) + " tokens has its second part from token " +
                         std::to_string(first_part) + " and the label " + std::to_string(label) +
                         " (a token of the row, and 0 or 1 expected); run hpml_prepare again");
    }
    return {first_part, label == 1};
}

std::int64_t ShardReader::document(std::int64_t row) const {
    expects(row >= 0 && row < rows_, "a row of the shard");
    const auto number = value_at<std::int32_t>(documents_, row);
    if (number < 0) {
        throw InputError(path_.string() + ": row " + std::to_string(row) + " has document " +
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
