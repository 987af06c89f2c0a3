#pragma once

#include <cstdint>

#include "base/units.h"
#include "model/computation.h"
#include "model/config.h"

namespace hpml::model {

/// A micro-batch as far as its memory goes.
struct ActivationShape {
    std::int64_t tokens = 0;   ///< of all its sequences
    std::int64_t longest = 0;  ///< sequence, in tokens
    std::int64_t labels = 0;   ///< masked tokens
    int threads = 1;
    bool dropout = false;
};

/// Memory of the buffers that forward and backward pass of the masked-language model take on a CPU
/// (model/fused): what is kept of the layers, the logits and what the passes work in. Buffers are
/// used again for others of their size only, as `BufferPool` does, so this is a count by sizes.
[[nodiscard]] Bytes activation_memory(const ModelConfig& config, const ActivationShape& shape,
                                      Checkpointing checkpointing);

}  // namespace hpml::model
