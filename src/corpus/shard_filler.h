#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "corpus/prepare_shards.h"
#include "corpus/shard.h"
#include "mpi/communicator.h"

namespace hpml::corpus {

/// Fills this rank's shards of a split, first_shard ... last_shard - 1 of the job, with the rows
/// [begin(), end()), in order.
class ShardFiller {
  public:
    explicit ShardFiller(const ShardJob& job);

    /// @param row  number in the split, begin() at first, then one more each time
    /// @throw OutputError, IoError
    void add(std::int64_t row, std::span<const std::int32_t> tokens, std::int64_t document);
    [[nodiscard]] std::int64_t begin() const { return begin_; }
    [[nodiscard]] std::int64_t end() const { return end_; }
    [[nodiscard]] std::vector<ShardEntry> take() { return std::move(entries_); }

  private:
    const ShardJob& job_;
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
