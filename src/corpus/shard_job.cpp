#include "corpus/shard_job.h"

#include <algorithm>
#include <numeric>

namespace hpml::corpus {

std::int64_t ShardJob::total_rows() const {
    return std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
}

std::int64_t ShardJob::total_shards() const {
    const std::int64_t most =
        std::min(most_rows_per_shard, kMostShardTokens / format.sequence_length);
    return (total_rows() + most - 1) / most;
}

std::int64_t ShardJob::first_row(std::int64_t shard) const {
    const std::int64_t shards = total_shards();
    if (shards == 0) {
        return 0;
    }
    // The product of both numbers could be too large.
    const std::int64_t rows = total_rows();
    return rows / shards * shard + rows % shards * shard / shards;
}

void ShardJob::take_share(Rank rank, int ranks) {
    first_shard = total_shards() * rank.value / ranks;
    last_shard = total_shards() * (rank.value + 1) / ranks;
    this->rank = rank;
}

}  // namespace hpml::corpus
