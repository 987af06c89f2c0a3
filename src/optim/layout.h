#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "optim/optimizer.h"

namespace hpml::optim {

/// Elements of a block: what one call of a kernel works on and what a partial sum covers. Fixed, so
/// that sums do not depend on the number of threads or shards.
inline constexpr std::int64_t kBlockElements = 8192;

/// A piece [begin, begin + length) of the flat buffers within one segment.
struct Block {
    std::int64_t begin = 0;
    std::int64_t length = 0;
    std::size_t segment = 0;
    bool decay = true;
    std::int64_t state = 0;  ///< where its state begins, if it is of this rank
};

/// Indexes [first, last) of blocks or segments.
struct Range {
    std::size_t first = 0;
    std::size_t last = 0;

    [[nodiscard]] std::size_t size() const { return last - first; }
};

/// The segments of the flat buffers cut into blocks, and what of them this rank owns.
class Layout {
  public:
    /// @param shard  ends between blocks
    Layout(std::vector<Segment> segments, const Shard& shard);

    [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }
    /// All blocks by their place; those of a segment follow each other.
    [[nodiscard]] const std::vector<Block>& blocks() const { return blocks_; }
    [[nodiscard]] Range own_blocks() const { return own_; }
    /// Elements of all own blocks: their state is kept without what lies between segments.
    [[nodiscard]] std::int64_t state_length() const { return state_length_; }
    [[nodiscard]] std::int64_t state_begin(std::size_t segment) const {
        return state_begin_[segment];
    }
    /// Append the view of what a flat state of `state_length` elements holds of a segment, under
    /// `prefix` and the segment's name, if that is anything.
    void append_piece(std::vector<StateTensor>& all, const std::string& prefix,
                      const at::Tensor& state, std::size_t segment) const;
    /// Own blocks, cut between segments into runs of kWaveElements or more: what a second pass
    /// over a run reads is then still in the processor's caches. Bits do not depend on it.
    [[nodiscard]] std::vector<Range> waves() const;

  private:
    std::vector<Segment> segments_;
    std::vector<Block> blocks_;
    Shard shard_;
    Range own_;
    std::int64_t state_length_ = 0;
    std::vector<std::int64_t> state_begin_;  ///< of each segment's part in the shard
};

inline constexpr std::int64_t kWaveElements = 1 << 18;

/// Indexes of the segments by their place.
[[nodiscard]] std::vector<std::size_t> by_place(const std::vector<Segment>& segments);

/// Call `work(index)` for all of a range on all threads, each thread a run of neighbours.
template <class Work>
void for_each(Range range, const Work& work) {
    at::parallel_for(static_cast<std::int64_t>(range.first), static_cast<std::int64_t>(range.last),
                     1, [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t i = begin; i < end; ++i) {
                             work(static_cast<std::size_t>(i));
                         }
                     });
}
/// Likewise, the last of each thread first: what an earlier pass left in its cache.
template <class Work>
void for_each_backwards(Range range, const Work& work) {
    at::parallel_for(static_cast<std::int64_t>(range.first), static_cast<std::int64_t>(range.last),
                     1, [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t i = end; i > begin; --i) {
                             work(static_cast<std::size_t>(i - 1));
                         }
                     });
}

}  // namespace hpml::optim
