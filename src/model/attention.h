#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "corpus/batch.h"

namespace hpml::model {

/// How the flat tokens of a batch map to [sequences, longest] inside attention. Made once per batch
/// and used by all layers. The three tensors are undefined when all sequences are equally long:
/// then a view does.
struct AttentionLayout {
    std::int64_t sequences = 0;
    std::int64_t longest = 0;
    at::Tensor padded_from_flat;  ///< int64 [sequences * longest] flat row, 0 where padding stands
    at::Tensor flat_from_padded;  ///< int64 [tokens] row in sequences * longest
    at::Tensor bias;              ///< fp32 [sequences, 1, 1, longest] 0, or -infinity on padding
};

/// @throw InternalError if a sequence is empty or the batch has none
[[nodiscard]] AttentionLayout attention_layout(const corpus::Batch& batch, c10::Device device);

/// Scaled dot-product attention of every sequence with itself (Vaswani et al. 2017).
/// @param query_key_value  [tokens, 3 * hidden], query first
/// @param keep_scale  factors of the probabilities, [sequences, heads, longest, longest], or
///                    undefined; without them no probability is ever stored
/// @return [tokens, hidden]
[[nodiscard]] at::Tensor attend(const at::Tensor& query_key_value, std::int64_t heads,
                                const AttentionLayout& layout, const at::Tensor& keep_scale);

}  // namespace hpml::model
