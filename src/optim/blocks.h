#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "optim/optimizer.h"

namespace hpml::optim {

/// A piece [begin, begin + length) of the flat buffers.
struct Block {
    std::int64_t begin = 0;
    std::int64_t length = 0;
    std::size_t owner = 0;  ///< the run or segment that it belongs to
    bool decay = true;
};

/// Elements of one block on the CPU: the operators of an update then find each other's results in
/// the core's own cache, so that an update reads and writes memory once, however many operators it
/// has. A fixed size: sums over blocks do not depend on the number of threads.
inline constexpr std::int64_t kBlockElements = 8192;

/// Neighbouring segments of equal decay, and the padding between them, as one run each; cut into
/// blocks on the CPU, left whole on other devices.
[[nodiscard]] std::vector<Block> blocks_of_equal_decay(const std::vector<Segment>& segments,
                                                       const at::Tensor& like);
/// Each segment by itself, cut likewise; `owner` is the segment's index.
[[nodiscard]] std::vector<Block> blocks_of_segments(const std::vector<Segment>& segments,
                                                    const at::Tensor& like);

/// The elements of `flat` that `block` covers.
[[nodiscard]] inline at::Tensor part(const at::Tensor& flat, const Block& block) {
    return flat.narrow(0, block.begin, block.length);
}
/// The elements of `flat` that are `segment`, in its shape.
[[nodiscard]] at::Tensor view(const at::Tensor& flat, const Segment& segment);

/// Call `update(index)` for every block, on all threads where the buffers are on the CPU. Autograd
/// is off inside.
template <class Update>
void for_each_block(const std::vector<Block>& blocks, const at::Tensor& like,
                    const Update& update) {
    const auto some = [&](std::int64_t begin, std::int64_t end) {
        const at::NoGradGuard no_grad;  // the mode is per thread
        for (std::int64_t i = begin; i < end; ++i) {
            update(static_cast<std::size_t>(i));
        }
    };
    const auto count = static_cast<std::int64_t>(blocks.size());
    if (like.is_cpu()) {
        at::parallel_for(0, count, 1, some);
    } else {
        some(0, count);
    }
}

/// Sum of squares of a flat tensor: single precision within a block, double above.
[[nodiscard]] double sum_of_squares(const at::Tensor& flat);

}  // namespace hpml::optim
