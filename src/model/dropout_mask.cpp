#include "model/dropout_mask.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <span>
#include <vector>

namespace hpml::model {
namespace {

/// Copy factors of one sequence, [heads, length, length], into the top left of its padded block.
void copy_into_padded(std::span<const float> factors, std::int64_t length, std::int64_t longest,
                      float* block) {
    const std::int64_t rows = static_cast<std::int64_t>(factors.size()) / length;
    for (std::int64_t row = 0; row < rows; ++row) {
        const std::int64_t head = row / length;
        const std::int64_t query = row % length;
        std::copy_n(factors.data() + row * length, length,
                    block + (head * longest + query) * longest);
    }
}

}  // namespace

DropoutStream DropoutMasks::stream(std::size_t sequence, std::int64_t layer,
                                   DropoutSite site) const {
    return {plan_.seed, plan_.step, batch_.samples[sequence], layer, site};
}

void DropoutMasks::apply(at::Tensor& rows, std::int64_t layer, DropoutSite site,
                         const at::Tensor& kept) const {
    if (!active()) {
        return;
    }
    const std::int64_t columns = rows.size(1);
    const at::Tensor factors =
        at::empty({static_cast<std::int64_t>(batch_.token_count()), columns}, at::kFloat);
    const std::span<float> all(factors.mutable_data_ptr<float>(),
                               static_cast<std::size_t>(factors.numel()));
    for (std::size_t sequence = 0; sequence < batch_.sequences(); ++sequence) {
        const std::int64_t first = batch_.cu_seqlens[sequence] * columns;
        const std::int64_t last = batch_.cu_seqlens[sequence + 1] * columns;
        fill_keep_scale(
            stream(sequence, layer, site), plan_.probability,
            all.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)));
    }
    const at::Tensor there = factors.to(device_);
    rows.mul_(kept.defined() ? there.index_select(0, kept) : there);
}

void DropoutMasks::apply_to_head(at::Tensor& rows, DropoutSite site) const {
    if (!active()) {
        return;
    }
    const auto columns = static_cast<std::size_t>(rows.size(1));
    const at::Tensor factors = at::empty({rows.size(0), rows.size(1)}, at::kFloat);
    const std::span<float> all(factors.mutable_data_ptr<float>(),
                               static_cast<std::size_t>(factors.numel()));
    for (std::size_t sequence = 0; sequence < batch_.sequences(); ++sequence) {
        fill_keep_scale(stream(sequence, 0, site), plan_.probability,
                        all.subspan(sequence * columns, columns));
    }
    // Not in place: tanh keeps its own result for the backward pass.
    rows = rows.mul(factors.to(device_));
}

at::Tensor DropoutMasks::probabilities(std::int64_t layer, std::int64_t heads,
                                       std::int64_t longest) const {
    if (!active()) {
        return {};
    }
    const auto sequences = static_cast<std::int64_t>(batch_.sequences());
    const at::Tensor factors = at::ones({sequences, heads, longest, longest}, at::kFloat);
    const std::int64_t block = heads * longest * longest;
    std::vector<float> unpadded;
    for (std::int64_t sequence = 0; sequence < sequences; ++sequence) {
        const auto index = static_cast<std::size_t>(sequence);
        const std::int64_t length = batch_.cu_seqlens[index + 1] - batch_.cu_seqlens[index];
        const DropoutStream source = stream(index, layer, DropoutSite::AttentionProbability);
        float* target = factors.mutable_data_ptr<float>() + sequence * block;
        if (length == longest) {
            fill_keep_scale(source, plan_.probability, {target, static_cast<std::size_t>(block)});
            continue;
        }
        unpadded.resize(static_cast<std::size_t>(heads * length * length));
        fill_keep_scale(source, plan_.probability, unpadded);
        copy_into_padded(unpadded, length, longest, target);
    }
    return factors.to(device_);
}

}  // namespace hpml::model
