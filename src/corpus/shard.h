#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/mapped_file.h"
#include "corpus/manifest.h"

namespace hpml::h5 {
class Dataset;
class File;
}  // namespace hpml::h5

namespace hpml::corpus {

/// The schema's number, in every shard. A reader refuses any other.
constexpr std::int64_t kShardFormatVersion = 2;
/// Offsets within a shard, and documents counted from its first, are 32-bit numbers.
constexpr std::int64_t kMostShardTokens = 0x7FFFFFFF;

/// What every shard of a corpus has in common; stored in the shard's attributes.
struct ShardFormat {
    std::int64_t sequence_length = 0;  ///< longest row, special tokens included
    std::int64_t vocabulary_size = 0;  ///< below 65536: 16-bit tokens, else 32-bit
    Digest vocabulary_hash;
    Digest settings_hash;
    bool pairs = false;  ///< rows have two parts, for next-sentence prediction
};

/// What a corpus of pairs says of a row beside its ids.
struct RowPair {
    std::int64_t first_part = 0;  ///< ids before the second part; 0: the row has one part only
    bool is_random = false;       ///< the second part does not follow the first in its document
};

[[nodiscard]] ShardFormat shard_format(const Manifest& manifest);

/// Builds one shard in memory and publishes it at once: HDF5 never writes to a disk, whose errors
/// it may hide. The same rows give the same bytes.
class ShardWriter {
  public:
    /// @param path  in the data folder; its file name must be [A-Za-z0-9._-]+
    ShardWriter(std::filesystem::path path, const ShardFormat& format);

    /// Append a row: [CLS] tokens [SEP], at most sequence_length ids below vocabulary_size.
    /// All rows together have at most kMostShardTokens ids.
    /// @param document  number of the document in the whole input, from 0
    /// @param pair  stored in a corpus of pairs only
    void append(std::span<const std::int32_t> tokens, std::int64_t document, RowPair pair = {});
    [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(documents_.size()); }
    [[nodiscard]] std::int64_t tokens() const { return offsets_.back(); }
    /// Write under a temporary name, sync, rename; once. Afterwards the writer is spent.
    /// @throw OutputError, IoError; InputError for documents that are 2^31 numbers apart; nothing
    /// is left under the name then
    [[nodiscard]] ShardEntry publish();

  private:
    std::filesystem::path path_;
    ShardFormat format_;
    std::variant<std::vector<std::uint16_t>, std::vector<std::int32_t>> tokens_;
    std::vector<std::int32_t> offsets_{0};
    std::vector<std::int64_t> documents_;
    std::vector<std::uint16_t> first_parts_;  ///< with the next: of a corpus of pairs
    std::vector<std::uint16_t> next_sentence_labels_;
};

/// One shard open for reading, as mapped memory: a row costs no system call. HDF5 is used while
/// opening only, by one thread of the process at a time; `read_row` and `document` may be called by
/// any number of threads. A file that is damaged before is refused, and one that another takes the
/// name of is read on; one that is cut short while it is open, or can no longer be read, ends the
/// process (base/mapped_file.h).
class ShardReader {
  public:
    /// Check size, hash, schema and attributes.
    /// @throw MissingInputError; InputError naming the shard and what is wrong with it, also if
    /// another file takes its name meanwhile
    ShardReader(const std::filesystem::path& data, const ShardEntry& entry,
                const ShardFormat& format);

    [[nodiscard]] std::int64_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::int64_t tokens() const noexcept { return token_count_; }
    /// Replace `tokens` by row `row`.
    /// @throw InputError naming shard, row, column and value for an id outside the vocabulary, or
    /// an impossible row length
    void read_row(std::int64_t row, std::vector<std::int32_t>& tokens) const;
    /// Number of the row's document in the whole input. @throw InputError
    [[nodiscard]] std::int64_t document(std::int64_t row) const;
    /// {} in a corpus without pairs. @throw InputError naming shard and row for what cannot be
    [[nodiscard]] RowPair pair(std::int64_t row) const;

  private:
    using Column = std::span<const std::byte>;

    ShardReader(InputFile file, const ShardEntry& entry, const ShardFormat& format);
    void open(const ShardEntry& entry);
    [[nodiscard]] Column column(const h5::Dataset& dataset) const;
    void open_pairs(const h5::File& file, const ShardEntry& entry);
    void check_offsets() const;
    [[noreturn]] void refuse_ids(std::int64_t row, std::span<const std::int32_t> tokens) const;

    std::filesystem::path path_;
    ShardFormat format_;
    MappedFile file_;
    std::int64_t rows_ = 0;
    std::int64_t token_count_ = 0;
    std::int64_t first_document_ = 0;
    bool wide_ = false;  ///< 32-bit tokens
    Column tokens_;      ///< bytes in `file_`, as aligned as HDF5 leaves them
    Column offsets_;
    Column documents_;
    Column first_parts_;  ///< with the next: of a corpus of pairs
    Column next_sentence_labels_;
};

/// Check that every shard of the manifest is a regular file of its size. Cheap; done before any is
/// opened.
/// @throw MissingInputError listing all that are missing; InputError for a link or folder, or
/// another size
void check_shards_present(const std::filesystem::path& data, const Manifest& manifest);

}  // namespace hpml::corpus
