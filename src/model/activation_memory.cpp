#include "model/activation_memory.h"

#include <algorithm>
#include <map>

#include "model/fused/attention.h"
#include "model/fused/buffers.h"
#include "model/fused/mlm_head.h"
#include "model/kernels/product.h"

namespace hpml::model {
namespace {

/// How many buffers of a size exist at a time.
class BufferCount {
  public:
    void add(std::int64_t count, std::int64_t floats) {
        if (floats > 0) {
            Size& size = of_size_[BufferPool::size_class(static_cast<std::size_t>(floats))];
            size.count += count;
            size.floats = std::max(size.floats, floats);
        }
    }
    [[nodiscard]] Bytes total() const {
        std::int64_t floats = 0;
        for (const auto& [capacity, size] : of_size_) {
            floats += size.count * size.floats;
        }
        return Bytes(static_cast<std::uint64_t>(floats) * sizeof(float));
    }

  private:
    struct Size {
        std::int64_t count = 0;
        std::int64_t floats = 0;  ///< the most that is asked for
    };
    std::map<std::size_t, Size> of_size_;
};

/// Layers whose parts exist at the same time, but for the last one.
std::int64_t kept_layers(const ModelConfig& config, Checkpointing checkpointing) {
    return checkpointing == Checkpointing::Full ? std::min<std::int64_t>(1, config.layers - 1)
                                                : config.layers - 1;
}

void count_layers(const ModelConfig& config, const ActivationShape& shape,
                  Checkpointing checkpointing, BufferCount& count) {
    const std::int64_t rows = shape.tokens * config.hidden_size;
    const std::int64_t kept = kept_layers(config, checkpointing);
    const bool post = config.norm == EncoderNorm::Post;
    const std::int64_t copies = shape.dropout ? 1 : 0;
    count.add(kept, 3 * rows);                           // query, key and value
    count.add(kept, shape.tokens * config.heads);        // sums of the softmax
    count.add(2 * kept + (post ? 1 : 2), shape.tokens);  // deviations
    count.add(3 * kept + (post ? 1 : 2), rows);          // context and norms
    count.add(checkpointing == Checkpointing::Full ? config.layers - 1 : (post ? 1 : 0), rows);
    count.add(3 + copies, rows);  // a gradient, its layer's input and that of the wide rows
    const std::int64_t wide =
        checkpointing == Checkpointing::Off ? kept : std::min<std::int64_t>(1, kept);
    count.add(kept > 0 ? wide + 1 : 0, shape.tokens * config.intermediate_size);
    count.add(1, 2 * rows);  // keys and values of the last layer
}

void count_head(const ModelConfig& config, const ActivationShape& shape, BufferCount& count) {
    const std::int64_t rows = shape.labels * config.hidden_size;
    const bool pre = config.norm == EncoderNorm::Pre;
    count.add(2, shape.labels * config.intermediate_size);
    // Query, context and norms of the last layer; what the head keeps; gradients between them.
    count.add(pre ? 11 : 10, rows);
    constexpr std::int64_t kUnit = 64;
    const std::int64_t stride = (config.vocabulary_size + kUnit - 1) / kUnit * kUnit;
    count.add(1, std::min(shape.labels * stride,
                          std::max<std::int64_t>(stride, MlmHeadPass::kKeptLogits)));
}

}  // namespace

Bytes activation_memory(const ModelConfig& config, const ActivationShape& shape,
                        Checkpointing checkpointing) {
    BufferCount count;
    count_layers(config, shape, checkpointing, count);
    count_head(config, shape, count);
    count.add(shape.threads, kPackFloats);
    const std::int64_t scores = kQueryBlock * shape.longest;
    const std::int64_t side = shape.longest * config.hidden_size / config.heads;
    count.add(shape.threads, 2 * scores);
    count.add(shape.threads, 3 * scores + 2 * side);
    return count.total();
}

}  // namespace hpml::model
