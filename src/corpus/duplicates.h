#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "base/hash.h"

namespace hpml::corpus {

/// The hash of a row's tokens and where it stands in its file.
struct RowHash {
    Digest hash;
    std::int64_t row = 0;
};

[[nodiscard]] Digest hash_row(std::span<const std::int32_t> tokens);

/// Sort them by hash, then row, and write them: 24 bytes each, scratch for `DuplicateFinder`.
/// @return the file's own hash @throw OutputError, IoError
[[nodiscard]] Digest write_row_hashes(const std::filesystem::path& path,
                                      std::vector<RowHash>& hashes);

/// A bit for each row of several files, numbered through.
class RowBits {
  public:
    explicit RowBits(std::int64_t rows) : words_(static_cast<std::size_t>((rows + 63) / 64)) {}
    void set(std::int64_t row) {
        const auto index = static_cast<std::size_t>(row);
        words_[index / 64] |= static_cast<std::int64_t>(std::uint64_t{1} << (index % 64));
    }
    [[nodiscard]] bool test(std::int64_t row) const {
        const auto index = static_cast<std::size_t>(row);
        return ((static_cast<std::uint64_t>(words_[index / 64]) >> (index % 64)) & 1) != 0;
    }
    /// 64 bits each: bits that no two ranks have both may be summed over the ranks.
    [[nodiscard]] std::span<std::int64_t> words() { return words_; }

  private:
    std::vector<std::int64_t> words_;
};

/// Finds rows that an earlier row equals, in bounded memory: the hashes are cut in partitions by
/// their first bits, and one partition, 2^20 rows on average, is in memory at a time. Equal rows
/// are in one partition.
class DuplicateFinder {
  public:
    /// @param files  that write_row_hashes wrote, in order @param rows  [files] in each
    DuplicateFinder(std::vector<std::filesystem::path> files, std::vector<std::int64_t> rows);

    /// A power of two, by the number of rows only.
    [[nodiscard]] std::int64_t partitions() const { return std::int64_t{1} << bits_; }
    /// Set the bits of the partition's rows that equal an earlier one. @throw IoError, InputError
    void mark(std::int64_t partition, RowBits& duplicates) const;

  private:
    std::vector<std::filesystem::path> files_;
    std::vector<std::int64_t> rows_;
    int bits_ = 0;
};

}  // namespace hpml::corpus
