#include "model/fused/encoder.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "model/named_operator.h"

namespace hpml::model {

EncoderPass::EncoderPass(const ModelConfig& config, Machine machine, BatchRows batch,
                         RowChoice chosen, const EncoderRequest& request)
    : config_(config),
      map_(config),
      machine_(std::move(machine)),
      batch_(std::move(batch)),
      dropout_(request.dropout),
      all_(batch_),
      chosen_(std::move(chosen)),
      request_(request),
      pass_{config_, map_, machine_, batch_, dropout_},
      kept_(static_cast<std::size_t>(config.layers)) {
    expects(config.layers > 0, "an encoder with layers");
}

void EncoderPass::forward(const Leaves& leaves, float* output) {
    const std::int64_t numbers = batch_.count() * config_.hidden_size;
    Buffer rows = machine_.take(numbers);
    embed(leaves, rows.data());
    const bool full = request_.checkpointing == Checkpointing::Full;
    for (std::int64_t number = 0; number < config_.layers; ++number) {
        LayerKept& kept = kept_[static_cast<std::size_t>(number)];
        const RowChoice& chosen = rows_of_layer(number);
        Buffer next = machine_.take(chosen.count() * config_.hidden_size);
        Layer(pass_, leaves, number, chosen).forward(rows.data(), kept, next.data());
        forget(kept);
        if (request_.backward && full) {
            kept.input = std::move(rows);
        } else if (request_.backward && number == 0 && is_post()) {
            embedded_ = std::move(rows);
        }
        rows = std::move(next);
    }
    const std::int64_t last = chosen_.count() * config_.hidden_size;
    if (is_post()) {
        std::copy_n(rows.data(), last, output);
        return;
    }
    outer_norm_ = machine_.take(last);
    outer_deviation_ = machine_.take(chosen_.count());
    norm_rows(pass_, norm_of(pass_, leaves, map_.outer_norm, chosen_.count()), rows.data(),
              {outer_norm_.data(), outer_deviation_.data()}, output);
}

void EncoderPass::backward(const Leaves& leaves, const float* gradient) {
    expects(request_.backward, "one backward pass, of a forward pass that was told");
    request_.backward = false;
    Buffer slopes = machine_.take(chosen_.count() * config_.hidden_size);
    std::copy_n(gradient, chosen_.count() * config_.hidden_size, slopes.data());
    if (!is_post()) {
        norm_rows_backward(pass_, norm_of(pass_, leaves, map_.outer_norm, chosen_.count()),
                           {outer_norm_.data(), outer_deviation_.data()}, leaves, map_.outer_norm,
                           slopes.data());
    }
    for (std::int64_t number = config_.layers - 1; number >= 0; --number) {
        LayerKept& kept = kept_[static_cast<std::size_t>(number)];
        const Layer layer(pass_, leaves, number, rows_of_layer(number));
        const Buffer input = input_of(leaves, number);
        if (request_.checkpointing == Checkpointing::Full) {
            const Buffer output =
                machine_.take(rows_of_layer(number).count() * config_.hidden_size);
            layer.forward(input.data(), kept, output.data());
        }
        slopes = layer.backward(input.data(), kept, std::move(slopes));
        kept = LayerKept();
    }
    embed_backward(leaves, std::move(slopes));
}

Buffer EncoderPass::input_of(const Leaves& leaves, std::int64_t layer) {
    if (request_.checkpointing == Checkpointing::Full) {
        return std::move(kept_[static_cast<std::size_t>(layer)].input);
    }
    if (!is_post()) {
        return {};
    }
    if (layer == 0) {
        return std::move(embedded_);
    }
    Buffer rows = machine_.take(batch_.count() * config_.hidden_size);
    const LeafPair pair = map_.layers[static_cast<std::size_t>(layer - 1)].feed_forward_norm;
    norm_rows_again(pass_, norm_of(pass_, leaves, pair, batch_.count()),
                    kept_[static_cast<std::size_t>(layer - 1)].feed_forward_norm.data(),
                    rows.data());
    return rows;
}

void EncoderPass::forget(LayerKept& kept) const {
    if (!request_.backward || request_.checkpointing == Checkpointing::Full) {
        kept = LayerKept();
    } else if (request_.checkpointing == Checkpointing::Selective) {
        kept.wide = Buffer();
    }
}

void EncoderPass::embed(const Leaves& leaves, float* rows) {
    const NamedOperator record("hpml::embedding");
    const std::int64_t width = config_.hidden_size;
    const Kernels& kernels = machine_.kernels();
    constexpr std::int64_t kSmallestPart = 64;
    in_parallel(batch_.count(), kSmallestPart, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
            const auto row = static_cast<std::size_t>(i);
            float* to = rows + i * width;
            std::copy_n(leaves.value(map_.words) + batch_.tokens[row] * width, width, to);
            kernels.add_to(width, leaves.value(map_.types) + batch_.segments[row] * width, to);
            kernels.add_to(width, leaves.value(map_.positions) + position_row(i) * width, to);
        }
    });
    if (is_post()) {
        outer_norm_ = machine_.take(batch_.count() * width);
        outer_deviation_ = machine_.take(batch_.count());
        norm_rows(pass_, norm_of(pass_, leaves, map_.outer_norm, batch_.count()), rows,
                  {outer_norm_.data(), outer_deviation_.data()}, rows);
    }
    in_parallel(batch_.count(), kSmallestPart, [&](std::int64_t first, std::int64_t last) {
        drop_rows(pass_, {all_, 0, DropoutSite::Embeddings}, first, last, rows);
    });
}

void EncoderPass::embed_backward(const Leaves& leaves, Buffer gradient) {
    const NamedOperator record("hpml::embedding_backward");
    const std::int64_t width = config_.hidden_size;
    const Kernels& kernels = machine_.kernels();
    constexpr std::int64_t kSmallestPart = 64;
    in_parallel(batch_.count(), kSmallestPart, [&](std::int64_t first, std::int64_t last) {
        drop_rows(pass_, {all_, 0, DropoutSite::Embeddings}, first, last, gradient.data());
    });
    if (is_post()) {
        norm_rows_backward(pass_, norm_of(pass_, leaves, map_.outer_norm, batch_.count()),
                           {outer_norm_.data(), outer_deviation_.data()}, leaves, map_.outer_norm,
                           gradient.data());
    }
    // Tokens repeat: threads share columns, not rows, and every sum has one order.
    in_parallel(width, kSmallestPart, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = 0; i < batch_.count(); ++i) {
            const auto row = static_cast<std::size_t>(i);
            const float* from = gradient.data() + i * width + first;
            const auto add_at = [&](std::size_t leaf, std::int64_t index) {
                kernels.add_to(last - first, from, leaves.gradient(leaf) + index * width + first);
            };
            add_at(map_.words, batch_.tokens[row]);
            add_at(map_.types, batch_.segments[row]);
            add_at(map_.positions, position_row(i));
        }
    });
    leaves.ready(map_.types);
    leaves.ready(map_.positions);
    leaves.ready(map_.words);
}

}  // namespace hpml::model
