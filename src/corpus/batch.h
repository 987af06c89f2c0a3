#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hpml::corpus {

/// The index of a label that takes no part in the loss.
constexpr std::int32_t kIgnore = -100;

/// Several sequences without padding: flat tokens, and where each sequence begins (the "cu_seqlens"
/// of variable-length attention). A sequence keeps its sample's number, the key of its masking and
/// dropout, so that numbers do not depend on which rank or micro-batch it falls into.
struct Batch {
    std::vector<std::int32_t> tokens;    ///< [tokens] ids as the model reads them (masked for MLM)
    std::vector<std::int32_t> segments;  ///< [tokens] token type, 0 or 1
    std::vector<std::int32_t> cu_seqlens;     ///< [sequences + 1], from 0 to tokens
    std::vector<std::int64_t> samples;        ///< [sequences] global sample numbers
    std::vector<std::int32_t> mlm_positions;  ///< [labels] rising indices into `tokens`; MLM only
    std::vector<std::int32_t> mlm_labels;     ///< [labels] the original ids at those positions
    /// [sequences] fine-tuning: class index or score; of a corpus of pairs 1 where the second part
    /// does not follow the first, else 0; empty otherwise
    std::vector<float> targets;

    [[nodiscard]] std::size_t sequences() const { return samples.size(); }
    [[nodiscard]] std::size_t token_count() const { return tokens.size(); }
    /// Forget the content, keep the memory.
    void clear() {
        tokens.clear();
        segments.clear();
        cu_seqlens.assign(1, 0);
        samples.clear();
        mlm_positions.clear();
        mlm_labels.clear();
        targets.clear();
    }
    /// Have memory for so many sequences and tokens, all of them predicted.
    void reserve(std::size_t most_sequences, std::size_t most_tokens) {
        tokens.reserve(most_tokens);
        segments.reserve(most_tokens);
        cu_seqlens.reserve(most_sequences + 1);
        samples.reserve(most_sequences);
        mlm_positions.reserve(most_tokens);
        mlm_labels.reserve(most_tokens);
        targets.reserve(most_sequences);
    }
    /// Append one sequence.
    void append(std::int64_t sample, std::span<const std::int32_t> ids,
                std::span<const std::int32_t> types) {
        tokens.insert(tokens.end(), ids.begin(), ids.end());
        segments.insert(segments.end(), types.begin(), types.end());
        cu_seqlens.push_back(static_cast<std::int32_t>(tokens.size()));
        samples.push_back(sample);
    }
};

}  // namespace hpml::corpus
