#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/philox.h"
#include "corpus/batch.h"
#include "text/tokenizer.h"

namespace hpml::corpus {

/// BERT's masked language modelling (Devlin et al. 2019, section 3.1): of the candidate tokens (not
/// special) n = max(1, round(rate * candidates)) are predicted, at most `max_predictions`; 80 % of
/// them become [MASK], 10 % a random token, 10 % stay.
struct MaskingOptions {
    double rate = 0.15;                ///< in (0, 1]
    std::int64_t max_predictions = 0;  ///< per sequence; 0: no bound
    text::SpecialTokens special;       ///< ids of [PAD], [UNK], [CLS], [SEP], [MASK]
    std::int32_t vocabulary_size = 0;  ///< random tokens are drawn below this
    /// [vocabulary_size] 1 where a token continues the word before it: then all tokens of a word
    /// are predicted or none (whole-word masking of BERT's authors, 2019). A word that is longer
    /// than what is left of the n is passed over. Empty: tokens are chosen one by one.
    std::vector<std::uint8_t> continues;
};

/// What decides a sequence's masks, whatever else is in the batch.
struct MaskingKey {
    std::int64_t sample = 0;  ///< row of the split
    std::int64_t epoch = 0;   ///< below 2^32
};

/// Masks sequences. Each is a pure function of seed, key and tokens: nothing else, so every rank
/// count, micro-batch and resume sees the same masked tokens. For one thread; asks for no memory
/// once it has seen the longest sequence.
class Masker {
  public:
    Masker(MaskingOptions options, std::uint64_t seed);

    /// Append one sequence to `batch`, masked.
    void append(Batch& batch, std::span<const std::int32_t> tokens,
                std::span<const std::int32_t> segments, MaskingKey key);

  private:
    /// Tokens that are predicted together.
    struct Word {
        std::int32_t first = 0;
        std::int32_t count = 0;
    };
    [[nodiscard]] std::size_t find_candidates(std::span<const std::int32_t> tokens);
    [[nodiscard]] std::size_t find_words(std::span<const std::int32_t> tokens);
    void predict_tokens(std::span<std::int32_t> row, std::size_t wanted, PhiloxStream& stream);
    void predict_words(std::span<std::int32_t> row, std::size_t wanted, PhiloxStream& stream);
    void predict(std::span<std::int32_t> row, std::int32_t at, PhiloxStream& stream);

    MaskingOptions options_;
    PhiloxKey key_;
    std::vector<std::int32_t> candidates_;  ///< positions; whole-word masking has words_ instead
    std::size_t candidate_count_ = 0;
    std::vector<Word> words_;
    std::vector<std::uint64_t> chosen_;  ///< a bit for each token of the row
};

enum class MaskWhole { Tokens, Words };

/// BERT's masking for the ids of a tokenizer.
[[nodiscard]] MaskingOptions masking_for(const text::Tokenizer& tokenizer, MaskWhole whole);

}  // namespace hpml::corpus
