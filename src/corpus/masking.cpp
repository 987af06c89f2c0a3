#include "corpus/masking.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/philox.h"

namespace hpml::corpus {

namespace {

std::int64_t predictions(std::int64_t candidates, const MaskingOptions& options) {
    if (candidates == 0) {
        return 0;
    }
    const std::int64_t wanted =
        std::max<std::int64_t>(1, std::llround(options.rate * static_cast<double>(candidates)));
    const std::int64_t bound = options.max_predictions > 0 ? options.max_predictions : candidates;
    return std::min({wanted, bound, candidates});
}

std::vector<std::int32_t> candidates_of(std::span<const std::int32_t> tokens,
                                        const text::SpecialTokens& special) {
    std::vector<std::int32_t> positions;
    positions.reserve(tokens.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (!special.contains(tokens[i])) {
            positions.push_back(static_cast<std::int32_t>(i));
        }
    }
    return positions;
}

/// What stands at a chosen position: always two words, so that the stream does not depend on it.
std::int32_t replacement(PhiloxStream& stream, std::int32_t original,
                         const MaskingOptions& options) {
    const std::uint32_t tenth = stream.below(10);
    const auto random = static_cast<std::int32_t>(
        stream.below(static_cast<std::uint32_t>(options.vocabulary_size)));
    if (tenth < 8) {
        return options.special.mask;
    }
    return tenth == 8 ? random : original;
}

}  // namespace

void append_masked(Batch& batch, std::span<const std::int32_t> tokens,
                   std::span<const std::int32_t> segments, std::int64_t sample, std::int64_t epoch,
                   std::uint64_t seed, const MaskingOptions& options) {
    expects(options.vocabulary_size > 0, "the vocabulary's size in the masking options");
    expects(epoch >= 0 && epoch <= 0xFFFFFFFF, "an epoch of 32 bits");
    const auto begin = static_cast<std::int32_t>(batch.tokens.size());
    batch.append(sample, tokens, segments);

    std::vector<std::int32_t> chosen = candidates_of(tokens, options.special);
    const auto count =
        static_cast<std::size_t>(predictions(static_cast<std::int64_t>(chosen.size()), options));
    PhiloxStream stream(philox_key(seed, RandomUse::Masking), static_cast<std::uint32_t>(sample),
                        static_cast<std::uint32_t>(static_cast<std::uint64_t>(sample) >> 32),
                        static_cast<std::uint32_t>(epoch));
    for (std::size_t i = 0; i < count; ++i) {
        const auto left = static_cast<std::uint32_t>(chosen.size() - i);
        std::swap(chosen[i], chosen[i + stream.below(left)]);
        const auto at = static_cast<std::size_t>(chosen[i]);
        batch.tokens[static_cast<std::size_t>(begin) + at] =
            replacement(stream, tokens[at], options);
    }
    chosen.resize(count);
    std::ranges::sort(chosen);
    for (const std::int32_t at : chosen) {
        batch.mlm_positions.push_back(begin + at);
        batch.mlm_labels.push_back(tokens[static_cast<std::size_t>(at)]);
    }
}

}  // namespace hpml::corpus
