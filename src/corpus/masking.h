#pragma once

#include <cstdint>
#include <span>

#include "corpus/batch.h"
#include "text/vocabulary.h"

namespace hpml::corpus {

/// BERT's masked language modelling (Devlin et al. 2019, section 3.1): of the candidate tokens (not
/// special) n = max(1, round(rate * candidates)) are predicted, at most `max_predictions`; 80 % of
/// them become [MASK], 10 % a random token, 10 % stay.
struct MaskingOptions {
    double rate = 0.15;
    std::int64_t max_predictions = 0;  ///< per sequence; 0: no bound
    text::SpecialTokens special;       ///< ids of [PAD], [UNK], [CLS], [SEP], [MASK]
    std::int32_t vocabulary_size = 0;  ///< random tokens are drawn below this
};

/// Append one sequence to `batch`, masked. A pure function of (seed, epoch, sample) and the tokens:
/// nothing else, so every rank count, micro-batch and resume sees the same masked tokens.
void append_masked(Batch& batch, std::span<const std::int32_t> tokens,
                   std::span<const std::int32_t> segments, std::int64_t sample, std::int64_t epoch,
                   std::uint64_t seed, const MaskingOptions& options);

}  // namespace hpml::corpus
