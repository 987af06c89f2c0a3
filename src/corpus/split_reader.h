#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "corpus/loader.h"
#include "corpus/manifest.h"
#include "corpus/shard.h"

namespace hpml::corpus {

/// The rows of all shards of a split, numbered through: where a row lies in which file is of no
/// consequence to anybody above.
class SplitReader {
  public:
    /// Opens and checks every shard of the split (all shards of both must be present).
    /// @throw MissingInputError, InputError naming the shard
    SplitReader(const std::filesystem::path& data, const Manifest& manifest, Split split,
                VerifyHash verify = VerifyHash::Yes);

    [[nodiscard]] std::int64_t rows() const noexcept { return first_rows_.back(); }
    /// Replace `tokens` by row `row` of the split. Any thread. @throw InputError, IoError
    void read_row(std::int64_t row, std::vector<std::int32_t>& tokens) const;
    /// Read every row once, so that each id is checked against the vocabulary.
    /// @throw InputError, IoError
    void check_all_rows() const;

  private:
    std::vector<ShardReader> shards_;
    std::vector<std::int64_t> first_rows_;  ///< [shards + 1]
};

}  // namespace hpml::corpus
