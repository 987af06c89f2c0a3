#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "base/file.h"
#include "base/hash.h"

namespace hpml::corpus {

/// A hash of a row or a document, and its number among those that are compared.
struct ItemHash {
    Digest hash;
    std::int64_t item = 0;
};

[[nodiscard]] Digest hash_row(std::span<const std::int32_t> tokens);

/// A bit for each item.
class ItemBits {
  public:
    explicit ItemBits(std::int64_t items) : words_(static_cast<std::size_t>((items + 63) / 64)) {}
    void set(std::int64_t item) {
        const auto index = static_cast<std::size_t>(item);
        words_[index / 64] |= static_cast<std::int64_t>(std::uint64_t{1} << (index % 64));
    }
    [[nodiscard]] bool test(std::int64_t item) const {
        const auto index = static_cast<std::size_t>(item);
        return ((static_cast<std::uint64_t>(words_[index / 64]) >> (index % 64)) & 1) != 0;
    }
    /// Set what is set in `other`, which has as many items.
    void merge(const ItemBits& other);
    /// How many are set.
    [[nodiscard]] std::int64_t count() const;
    /// 64 bits each, for Communicator::bit_or.
    [[nodiscard]] std::span<std::int64_t> words() { return words_; }

  private:
    std::vector<std::int64_t> words_;
};

/// By hash, then item.
void sort_hashes(std::vector<ItemHash>& hashes);
/// Set the bits of all sorted hashes that equal the one before.
void mark_repeated(std::span<const ItemHash> sorted, ItemBits& duplicates);

/// A file of sorted hashes, 24 bytes each, scratch for `DuplicateFinder`.
struct HashRun {
    std::filesystem::path path;
    std::int64_t hashes = 0;
    std::int64_t first_item = 0;  ///< added to the items of this run
};
/// @return the file's own hash @throw OutputError, IoError
[[nodiscard]] Digest write_hashes(const std::filesystem::path& path,
                                  std::span<const ItemHash> sorted, Sync sync = Sync::Disk);

/// Finds items with a hash that an earlier item has, too, in bounded memory: the hashes are cut in
/// partitions by their first bits, and one partition, 2^20 hashes on average, is in memory at a
/// time. Equal hashes are in one partition. An item may have several hashes.
class DuplicateFinder {
  public:
    explicit DuplicateFinder(std::vector<HashRun> runs);

    /// A power of two, by the number of hashes only.
    [[nodiscard]] std::int64_t partitions() const { return std::int64_t{1} << bits_; }
    /// Set the bits of the partition's items that equal an earlier one. @throw IoError, InputError
    void mark(std::int64_t partition, ItemBits& duplicates) const;

  private:
    std::vector<HashRun> runs_;
    int bits_ = 0;
};

}  // namespace hpml::corpus
