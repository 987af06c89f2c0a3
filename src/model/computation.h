#pragma once

#include <string>

namespace hpml::model {

/// What the encoder is computed with. Auto: passes written by hand for leaves in host memory,
/// LibTorch's operators on GPUs. Operators: those everywhere.
enum class Computation { Auto, Operators };

/// The cast policy, operation by operation, after that of torch.autocast. Weights, gradients,
/// moments and whatever stands between two operations are fp32 always.
///
///   operation                                       bf16, fp16
///   matrix products of linear maps, of the tied     factors rounded to the format, to nearest;
///   decoder, of queries and keys, of                products summed in fp32, result in fp32
///   probabilities and values; and their gradients   (autocast rounds the result, too)
///   embeddings, biases, residual sums, LayerNorm,   fp32
///   GELU, softmax, dropout, cross-entropy, sums
///   over rows, all-reduce, update
///
/// On CPUs bf16 factors are rounded while they are packed for a product, from the fp32 weights:
/// there is no second copy of the weights. Where the processor multiplies bf16 itself (AVX-512
/// BF16), it does; where not, and for fp16, rounded factors are multiplied in fp32, which gives the
/// numbers of the format without its speed. fp16 needs a loss scale (optim/loss_scaler.h).
enum class Precision { Float32, BFloat16, Half };

/// What is kept of a layer between its forward and its backward pass; the same bits in the end. On
/// CPUs.
enum class Checkpointing {
    Off,        ///< all that the backward pass would compute again at some cost
    Selective,  ///< all but the wide rows of the feed-forward part: 40 % less, 11 % more work
    Full,       ///< its input alone: 90 % less, a third more work
};

struct BertOptions {
    Computation computation = Computation::Auto;
    Precision precision = Precision::Float32;
    Checkpointing checkpointing = Checkpointing::Off;
};

/// @param wish  auto, fp32, bf16, fp16; auto: bf16 on a CPU that multiplies bf16 itself, else fp32
/// @throw UsageError for another word
[[nodiscard]] Precision choose_precision(const std::string& wish, bool on_gpu);
/// As options spell it.
[[nodiscard]] std::string to_text(Precision precision);
/// With what it rests on here, for the banner.
[[nodiscard]] std::string describe(Precision precision, bool on_gpu);

}  // namespace hpml::model
