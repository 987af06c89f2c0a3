#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "corpus/shard.h"
#include "corpus/shard_job.h"
#include "mpi/communicator.h"

namespace hpml::corpus {

/// What becomes of shards that an earlier, interrupted run has finished.
enum class FinishedShards {
    Make,  ///< again
    Keep   ///< they are as they would be made; each is noted in .work of the output
};

/// Fills this rank's shards of a split, first_shard ... last_shard - 1 of the job, with the rows
/// [begin(), end()), in order. Of the shards that are kept, those before the first that is missing
/// are taken as they lie there: begin() is the row after them.
class ShardFiller {
  public:
    /// @throw IoError
    explicit ShardFiller(const ShardJob& job, FinishedShards finished = FinishedShards::Make);

    /// @param row  number in the split, begin() at first, then one more each time
    /// @throw OutputError, IoError
    void add(std::int64_t row, std::span<const std::int32_t> tokens, std::int64_t document,
             RowPair pair = {});
    [[nodiscard]] std::int64_t begin() const { return begin_; }
    [[nodiscard]] std::int64_t end() const { return end_; }
    [[nodiscard]] std::vector<ShardEntry> take() { return std::move(entries_); }

  private:
    void keep_finished();
    [[nodiscard]] std::string name(std::int64_t shard) const;

    const ShardJob& job_;
    FinishedShards finished_;
    std::int64_t shard_;  ///< that is filled now
    std::int64_t begin_;
    std::int64_t end_;
    std::int64_t shard_end_ = 0;
    std::optional<ShardWriter> writer_;
    std::vector<ShardEntry> entries_;
};

/// The shards of all ranks in order, from those of each. Collective; `mine` is what this rank made.
[[nodiscard]] std::vector<ShardEntry> gather_shards(const std::vector<ShardEntry>& mine,
                                                    const mpi::Communicator& ranks);

}  // namespace hpml::corpus
