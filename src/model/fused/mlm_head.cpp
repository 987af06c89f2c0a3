#include "model/fused/mlm_head.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "model/named_operator.h"

namespace hpml::model {
namespace {

constexpr std::int64_t kVocabularyUnit = 64;

/// The head's leaves behind `LeafMap::head`, as `leaf_specs` adds them.
constexpr std::size_t kNorm = 2;
constexpr std::size_t kDecoderBias = 4;

}  // namespace

MlmHeadPass::MlmHeadPass(const ModelConfig& config, Machine machine,
                         std::vector<std::int32_t> labels, std::int64_t kept_logits)
    : config_(config),
      map_(config),
      machine_(std::move(machine)),
      labels_(std::move(labels)),
      stride_((config.vocabulary_size + kVocabularyUnit - 1) / kVocabularyUnit * kVocabularyUnit),
      block_rows_(std::max<std::int64_t>(1, kept_logits / stride_)) {}

Dense MlmHeadPass::transform(const Leaves& leaves) const {
    return {leaves.value(map_.head), leaves.value(map_.head + 1), config_.hidden_size,
            config_.hidden_size};
}

NormRows MlmHeadPass::norm(const Leaves& leaves, std::int64_t rows) const {
    return {rows, config_.hidden_size, leaves.value(map_.head + kNorm),
            leaves.value(map_.head + kNorm + 1), static_cast<float>(config_.layer_norm_epsilon)};
}

void MlmHeadPass::read(const Leaves& leaves, const float* input) {
    const std::int64_t width = config_.hidden_size;
    transformed_ = machine_.take(rows() * width);
    unit_rows_ = machine_.take(rows() * width);
    deviation_ = machine_.take(rows());
    hidden_ = machine_.take(rows() * width);
    apply(machine_, transform(leaves), rows(), rows_of(input, width), transformed_.data());
    const NamedOperator record("hpml::gelu_layer_norm");
    in_parallel(rows(), 1, [&](std::int64_t first, std::int64_t last) {
        const std::int64_t at = first * width;
        machine_.kernels().gelu((last - first) * width, transformed_.data() + at,
                                hidden_.data() + at);
        machine_.kernels().norm_forward(norm(leaves, last - first), hidden_.data() + at, nullptr,
                                        {unit_rows_.data() + at, deviation_.data() + first},
                                        hidden_.data() + at);
    });
}

void MlmHeadPass::compute_logits(const Leaves& leaves, std::int64_t first, std::int64_t last,
                                 float* logits) const {
    const NamedOperator record("hpml::linear");
    const std::int64_t width = config_.hidden_size;
    Product product{last - first,
                    config_.vocabulary_size,
                    width,
                    rows_of(hidden_.data() + first * width, width),
                    transpose_of(leaves.value(map_.words), width),
                    logits,
                    stride_};
    product.bias = leaves.value(map_.head + kDecoderBias);
    machine_.multiply(product);
}

double MlmHeadPass::forward(const Leaves& leaves, const float* input) {
    read(leaves, input);
    log_sums_ = machine_.take(rows());
    std::vector<double> losses(labels_.size());
    for (std::int64_t begin = 0; begin < rows(); begin += block_rows_) {
        const std::int64_t end = std::min(rows(), begin + block_rows_);
        Buffer logits = machine_.take((end - begin) * stride_);
        compute_logits(leaves, begin, end, logits.data());
        const NamedOperator record("hpml::cross_entropy");
        in_parallel(end - begin, 1, [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i) {
                const auto row = static_cast<std::size_t>(begin + i);
                const float* scores = logits.data() + i * stride_;
                const float log_sum = machine_.kernels().log_sum_exp(
                    {logits.data() + i * stride_, config_.vocabulary_size, 1.0F});
                log_sums_.data()[row] = log_sum;
                losses[row] =
                    static_cast<double>(log_sum) - static_cast<double>(scores[labels_[row]]);
            }
        });
        if (rows() <= block_rows_) {
            logits_ = std::move(logits);
        }
    }
    double sum = 0;
    for (const double loss : losses) {
        sum += loss;
    }
    return sum;
}

void MlmHeadPass::logits(const Leaves& leaves, const float* input, float* result) {
    read(leaves, input);
    for (std::int64_t begin = 0; begin < rows(); begin += block_rows_) {
        const std::int64_t end = std::min(rows(), begin + block_rows_);
        const Buffer block = machine_.take((end - begin) * stride_);
        compute_logits(leaves, begin, end, block.data());
        for (std::int64_t i = begin; i < end; ++i) {
            std::copy_n(block.data() + (i - begin) * stride_, config_.vocabulary_size,
                        result + i * config_.vocabulary_size);
        }
    }
}

void MlmHeadPass::backward_rows(const Leaves& leaves, float scale, std::int64_t first,
                                std::int64_t last, float* logits, float* gradient) {
    const std::int64_t width = config_.hidden_size;
    const std::int64_t vocabulary = config_.vocabulary_size;
    const Kernels& kernels = machine_.kernels();
    const NamedOperator record("hpml::cross_entropy_backward");
    in_parallel(last - first, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const auto row = static_cast<std::size_t>(first + i);
            float* scores = logits + i * stride_;
            kernels.probabilities({scores, vocabulary, 1.0F}, log_sums_.data()[row]);
            scores[labels_[row]] -= 1.0F;
            if (scale != 1.0F) {
                std::for_each(scores, scores + vocabulary, [&](float& s) { s *= scale; });
            }
        }
    });
    // The tied decoder is a map from the hidden rows to the vocabulary.
    const Dense decoder{leaves.value(map_.words), nullptr, vocabulary, width};
    const Slopes slopes{last - first, logits, stride_};
    add_gradients(machine_, decoder, slopes, rows_of(hidden_.data() + first * width, width),
                  {leaves.gradient(map_.words), leaves.gradient(map_.head + kDecoderBias)});
    model::backward(machine_, decoder, slopes, gradient + first * width);
}

void MlmHeadPass::backward(const Leaves& leaves, float scale, const float* input, float* gradient) {
    expects(transformed_.data() != nullptr, "one backward pass behind a forward pass");
    const std::int64_t width = config_.hidden_size;
    const bool kept = logits_.data() != nullptr;
    const Buffer slopes = machine_.take(rows() * width);
    for (std::int64_t begin = 0; begin < rows(); begin += block_rows_) {
        const std::int64_t end = std::min(rows(), begin + block_rows_);
        Buffer logits = kept ? std::move(logits_) : machine_.take((end - begin) * stride_);
        if (!kept) {
            compute_logits(leaves, begin, end, logits.data());
        }
        backward_rows(leaves, scale, begin, end, logits.data(), slopes.data());
    }
    leaves.ready(map_.head + kDecoderBias);
    const Kernels& kernels = machine_.kernels();
    kernels.norm_parameters({rows(), width, 0, width}, slopes.data(), unit_rows_.data(),
                            leaves.gradient(map_.head + kNorm),
                            leaves.gradient(map_.head + kNorm + 1));
    leaves.ready(LeafPair{map_.head + kNorm, map_.head + kNorm + 1});
    kernels.norm_backward(norm(leaves, rows()), {unit_rows_.data(), deviation_.data()},
                          slopes.data());
    kernels.gelu_backward(rows() * width, transformed_.data(), slopes.data());
    const Slopes back{rows(), slopes.data(), width};
    add_gradients(machine_, transform(leaves), back, rows_of(input, width),
                  {leaves.gradient(map_.head), leaves.gradient(map_.head + 1)});
    leaves.ready(LeafPair{map_.head, map_.head + 1});
    model::backward(machine_, transform(leaves), back, gradient);
    transformed_ = Buffer();
}

}  // namespace hpml::model
