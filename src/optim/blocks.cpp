#include "optim/blocks.h"

#include <ATen/ops/dot.h>
#include <ATen/ops/empty.h>

#include <functional>
#include <numeric>

namespace hpml::optim {

namespace {

void cut(std::vector<Block>& blocks, const Block& whole, const at::Tensor& like) {
    const std::int64_t most = like.is_cpu() ? kBlockElements : whole.length;
    for (std::int64_t done = 0; done < whole.length; done += most) {
        blocks.push_back(
            {whole.begin + done, std::min(most, whole.length - done), whole.owner, whole.decay});
    }
}

}  // namespace

std::vector<Block> blocks_of_equal_decay(const std::vector<Segment>& segments,
                                         const at::Tensor& like) {
    std::vector<Segment> sorted = segments;
    std::sort(sorted.begin(), sorted.end(),
              [](const Segment& a, const Segment& b) { return a.offset < b.offset; });
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < sorted.size();) {
        std::size_t next = i + 1;
        while (next < sorted.size() && sorted[next].decay == sorted[i].decay) {
            ++next;
        }
        const Segment& last = sorted[next - 1];
        const std::int64_t begin = sorted[i].offset;
        cut(blocks, {begin, last.offset + last.count() - begin, 0, sorted[i].decay}, like);
        i = next;
    }
    return blocks;
}

std::vector<Block> blocks_of_segments(const std::vector<Segment>& segments,
                                      const at::Tensor& like) {
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        cut(blocks, {segments[i].offset, segments[i].count(), i, segments[i].decay}, like);
    }
    return blocks;
}

at::Tensor view(const at::Tensor& flat, const Segment& segment) {
    return flat.narrow(0, segment.offset, segment.count()).view(segment.shape);
}

double sum_of_squares(const at::Tensor& flat) {
    std::vector<Block> blocks;
    cut(blocks, {0, flat.numel(), 0, false}, flat);
    std::vector<double> partial(blocks.size());
    for_each_block(blocks, flat, [&](std::size_t i) {
        const at::Tensor values = part(flat, blocks[i]);
        partial[i] = static_cast<double>(at::dot(values, values).item<float>());
    });
    return std::accumulate(partial.begin(), partial.end(), 0.0);
}

}  // namespace hpml::optim
