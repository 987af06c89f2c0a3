#pragma once

#include <cstdint>
#include <span>

namespace hpml::model {

/// The places of an encoder where elements are dropped.
enum class DropoutSite : std::uint32_t {
    Embeddings = 0,
    AttentionProbability = 1,  ///< element = (head * length + query) * length + key
    AttentionOutput = 2,       ///< element = token * hidden + column, as at the other row sites
    FeedForwardOutput = 3,
    Head = 4,       ///< the pooled row of a sequence
    HeadInput = 5,  ///< of RoBERTa: the row that is pooled
};

/// Which elements of which sample: with the element's index it names one keep decision.
struct DropoutStream {
    std::uint64_t seed = 0;
    std::int64_t step = 0;    ///< below 2^32
    std::int64_t sample = 0;  ///< below 2^51
    std::int64_t layer = 0;   ///< below 2^10
    DropoutSite site = DropoutSite::Embeddings;
};

/// Fill `out` with 0 (drop, with `probability`) or 1 / (1 - probability) (keep) for the elements
/// `first`, `first` + 1, ... of one sample at one site. A pure function of the stream and the
/// element.
///
/// Element e reads word (e / 16) % 4 of the Philox block with the key of (seed,
/// RandomUse::Dropout) and the counter
///     word 0   e / 64 * 16 + e % 16
///     word 1   sample, low 32 bits
///     word 2   step
///     word 3   sample, bits 32..50, from bit 13 | layer << 3 | site
/// so that no two elements of a run share a word: sixteen counters stand in vector lanes and no
/// lane waits for another.
/// @param probability  in [0, 1)
void fill_keep_scale(const DropoutStream& stream, double probability, std::span<float> out,
                     std::size_t first = 0);

}  // namespace hpml::model
