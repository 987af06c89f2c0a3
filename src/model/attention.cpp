#include "model/attention.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace hpml::model {
namespace {

std::int64_t length_of(const corpus::Batch& batch, std::int64_t sequence) {
    const auto index = static_cast<std::size_t>(sequence);
    return batch.cu_seqlens[index + 1] - batch.cu_seqlens[index];
}

void fill_padding_maps(const corpus::Batch& batch, AttentionLayout& layout) {
    auto* to_flat = layout.padded_from_flat.mutable_data_ptr<std::int64_t>();
    auto* to_padded = layout.flat_from_padded.mutable_data_ptr<std::int64_t>();
    auto* bias = layout.bias.mutable_data_ptr<float>();
    for (std::int64_t sequence = 0; sequence < layout.sequences; ++sequence) {
        const std::int64_t length = length_of(batch, sequence);
        const std::int64_t flat = batch.cu_seqlens[static_cast<std::size_t>(sequence)];
        const std::int64_t padded = sequence * layout.longest;
        std::iota(to_flat + padded, to_flat + padded + length, flat);
        std::iota(to_padded + flat, to_padded + flat + length, padded);
        std::fill_n(bias + padded, length, 0.0F);
    }
}

/// Probabilities held in memory, for they are multiplied by `keep_scale`.
at::Tensor attend_explicitly(const std::vector<at::Tensor>& parts, const at::Tensor& bias,
                             const at::Tensor& keep_scale) {
    const auto sizes = parts[0].sizes();
    const std::int64_t matrices = sizes[0] * sizes[1];
    const double scale = 1.0 / std::sqrt(static_cast<double>(sizes[3]));
    const auto flatten = [&](const at::Tensor& part) {
        return part.reshape({matrices, sizes[2], sizes[3]});
    };
    at::Tensor scores =
        flatten(parts[0].mul(scale)).bmm(flatten(parts[1]).transpose(1, 2)).to(at::kFloat);
    scores = scores.view({sizes[0], sizes[1], sizes[2], sizes[2]});
    if (bias.defined()) {
        scores.add_(bias);
    }
    const at::Tensor probabilities = scores.softmax(-1).mul(keep_scale).to(parts[2].scalar_type());
    const at::Tensor context =
        probabilities.view({matrices, sizes[2], sizes[2]}).bmm(flatten(parts[2]));
    return context.view({sizes[0], sizes[1], sizes[2], sizes[3]});
}

}  // namespace

AttentionLayout attention_layout(const corpus::Batch& batch, c10::Device device) {
    AttentionLayout layout;
    layout.sequences = static_cast<std::int64_t>(batch.sequences());
    expects(layout.sequences > 0, "a batch with sequences");
    std::int64_t shortest = std::numeric_limits<std::int64_t>::max();
    for (std::int64_t sequence = 0; sequence < layout.sequences; ++sequence) {
        shortest = std::min(shortest, length_of(batch, sequence));
        layout.longest = std::max(layout.longest, length_of(batch, sequence));
    }
    expects(shortest > 0, "sequences of at least one token");
    if (shortest == layout.longest) {
        return layout;
    }
    const auto tokens = static_cast<std::int64_t>(batch.token_count());
    layout.padded_from_flat = at::zeros({layout.sequences * layout.longest}, at::kLong);
    layout.flat_from_padded = at::empty({tokens}, at::kLong);
    layout.bias = at::full({layout.sequences, 1, 1, layout.longest},
                           -std::numeric_limits<float>::infinity(), at::kFloat);
    fill_padding_maps(batch, layout);
    layout.padded_from_flat = layout.padded_from_flat.to(device);
    layout.flat_from_padded = layout.flat_from_padded.to(device);
    layout.bias = layout.bias.to(device);
    return layout;
}

at::Tensor attend(const at::Tensor& query_key_value, std::int64_t heads,
                  const AttentionLayout& layout, const at::Tensor& keep_scale) {
    const bool padded = layout.bias.defined();
    const std::int64_t hidden = query_key_value.size(1) / 3;
    const at::Tensor rows =
        padded ? query_key_value.index_select(0, layout.padded_from_flat) : query_key_value;
    std::vector<at::Tensor> parts =
        rows.view({layout.sequences, layout.longest, 3, heads, hidden / heads}).unbind(2);
    for (at::Tensor& part : parts) {
        part = part.transpose(1, 2);
    }
    const at::Tensor context =
        keep_scale.defined()
            ? attend_explicitly(parts, layout.bias, keep_scale)
            : at::scaled_dot_product_attention(
                  parts[0], parts[1], parts[2],
                  padded ? std::optional(layout.bias.to(rows.scalar_type())) : std::nullopt);
    const at::Tensor flat =
        context.transpose(1, 2).reshape({layout.sequences * layout.longest, hidden});
    return padded ? flat.index_select(0, layout.flat_from_padded) : flat;
}

}  // namespace hpml::model
