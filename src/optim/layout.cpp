#include "optim/layout.h"

#include <numeric>
#include <utility>

#include "base/error.h"

namespace hpml::optim {

std::vector<std::size_t> by_place(const std::vector<Segment>& segments) {
    std::vector<std::size_t> order(segments.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return segments[a].offset < segments[b].offset;
    });
    return order;
}

Layout::Layout(std::vector<Segment> segments, const Shard& shard)
    : segments_(std::move(segments)), shard_(shard), state_begin_(segments_.size()) {
    for (const std::size_t i : by_place(segments_)) {
        const Segment& segment = segments_[i];
        for (std::int64_t done = 0; done < segment.count(); done += kBlockElements) {
            blocks_.push_back({segment.offset + done,
                               std::min(kBlockElements, segment.count() - done), i, segment.decay});
        }
    }
    while (own_.first < blocks_.size() && blocks_[own_.first].begin < shard_.begin) {
        const Block& before = blocks_[own_.first++];
        expects(before.begin + before.length <= shard_.begin, "a shard that begins at a block");
    }
    own_.last = own_.first;
    std::size_t segment = segments_.size();
    while (own_.last < blocks_.size() && blocks_[own_.last].begin < shard_.end) {
        Block& block = blocks_[own_.last++];
        expects(block.begin + block.length <= shard_.end, "a shard that ends at a block");
        if (block.segment != segment) {
            segment = block.segment;
            state_begin_[segment] = state_length_;
        }
        block.state = state_length_;
        state_length_ += block.length;
    }
}

std::vector<Range> Layout::waves() const {
    std::vector<Range> waves;
    std::int64_t elements = kWaveElements;
    for (std::size_t i = own_.first; i < own_.last; ++i) {
        const bool begins = i == own_.first || blocks_[i - 1].segment != blocks_[i].segment;
        if (begins && elements >= kWaveElements) {
            waves.push_back({i, i});
            elements = 0;
        }
        waves.back().last = i + 1;
        elements += blocks_[i].length;
    }
    return waves;
}

void Layout::append_piece(std::vector<StateTensor>& all, const std::string& prefix,
                          const at::Tensor& state, std::size_t index) const {
    const Segment& segment = segments_[index];
    const std::int64_t begin = std::max(segment.offset, shard_.begin);
    const std::int64_t end = std::min(segment.offset + segment.count(), shard_.end);
    if (begin >= end) {
        return;
    }
    at::Tensor piece = state.narrow(0, state_begin_[index], end - begin);
    if (piece.numel() == segment.count()) {
        piece = piece.view(segment.shape);
    }
    all.push_back({prefix + segment.name, piece, begin - segment.offset, segment.shape});
}

}  // namespace hpml::optim
