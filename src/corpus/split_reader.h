#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "corpus/loader.h"
#include "corpus/manifest.h"
#include "corpus/shard.h"

namespace hpml::corpus {

/// The rows of all shards of a split, numbered through: where a row lies in which file is of no
/// consequence to anybody above. A shard is opened and hashed when a row of it is first read, so
/// that the first batch of a large corpus need not wait for all of it.
class SplitReader {
  public:
    /// @throw MissingInputError, InputError naming the shards that are absent or of another size
    SplitReader(const std::filesystem::path& data, const Manifest& manifest, Split split,
                Presence presence = Presence::Check);
    ~SplitReader();
    SplitReader(const SplitReader&) = delete;
    SplitReader& operator=(const SplitReader&) = delete;
    SplitReader(SplitReader&&) = delete;
    SplitReader& operator=(SplitReader&&) = delete;

    [[nodiscard]] std::int64_t rows() const noexcept { return first_rows_.back(); }
    /// Replace `tokens` by row `row` of the split. Any thread.
    /// @return {} in a corpus without pairs
    /// @throw MissingInputError, InputError naming the shard and what is wrong with it; IoError
    RowPair read_row(std::int64_t row, std::vector<std::int32_t>& tokens) const;
    /// Read every row once, so that each id is checked against the vocabulary.
    /// @throw InputError, IoError
    void check_all_rows() const;

  private:
    [[nodiscard]] const ShardReader& shard(std::size_t index) const;

    std::filesystem::path data_;
    ShardFormat format_;
    std::vector<ShardEntry> entries_;
    std::vector<std::int64_t> first_rows_;                          ///< [shards + 1]
    mutable std::mutex mutex_;                                      ///< of `open_`
    mutable std::vector<std::unique_ptr<const ShardReader>> open_;  ///< [shards] null: not yet
};

}  // namespace hpml::corpus
