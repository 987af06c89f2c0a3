#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/units.h"
#include "corpus/shard.h"

namespace hpml::corpus {

/// The rows of one split, by where they come from, and the shards that they become.
struct ShardJob {
    std::filesystem::path output;
    std::string prefix;  ///< "train" gives train-00000.h5, ...
    ShardFormat format;
    std::int64_t most_rows_per_shard = 0;
    std::vector<std::int64_t> rows;  ///< [sources] in order
    std::int64_t first_shard = 0;    ///< of this rank
    std::int64_t last_shard = 0;     ///< exclusive
    Rank rank{0};                    ///< whose shards they are

    [[nodiscard]] std::int64_t total_rows() const;
    /// As few as the bound allows.
    [[nodiscard]] std::int64_t total_shards() const;
    /// Of shard `shard`, 0 to total_shards(): shards differ by one row at most.
    [[nodiscard]] std::int64_t first_row(std::int64_t shard) const;
    /// Set first_shard, last_shard and rank: neighbours, so that a rank reads its sources front to
    /// back once.
    void take_share(Rank rank, int ranks);
};

}  // namespace hpml::corpus
