#include "corpus/masking.h"

#include <algorithm>
#include <cmath>
#include <utility>

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

Masker::Masker(MaskingOptions options, std::uint64_t seed)
    : options_(std::move(options)), seed_(seed) {
    expects(options_.vocabulary_size > 0, "the vocabulary's size in the masking options");
    expects(options_.continues.empty() ||
                options_.continues.size() == static_cast<std::size_t>(options_.vocabulary_size),
            "for each token whether it continues a word");
}

/// @return candidate tokens, in all words
std::int64_t Masker::find_words(std::span<const std::int32_t> tokens) {
    words_.clear();
    std::int64_t candidates = 0;
    bool is_inside = false;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (options_.special.contains(tokens[i])) {
            is_inside = false;
            continue;
        }
        ++candidates;
        const bool continues = is_inside && !options_.continues.empty() &&
                               options_.continues[static_cast<std::size_t>(tokens[i])] != 0;
        if (continues) {
            ++words_.back().count;
        } else {
            words_.push_back({static_cast<std::int32_t>(i), 1});
        }
        is_inside = true;
    }
    return candidates;
}

void Masker::append(Batch& batch, std::span<const std::int32_t> tokens,
                    std::span<const std::int32_t> segments, MaskingKey key) {
    expects(key.epoch >= 0 && key.epoch <= 0xFFFFFFFF, "an epoch of 32 bits");
    const auto begin = static_cast<std::int32_t>(batch.tokens.size());
    batch.append(key.sample, tokens, segments);

    const auto wanted = static_cast<std::size_t>(predictions(find_words(tokens), options_));
    const auto sample = static_cast<std::uint64_t>(key.sample);
    PhiloxStream stream(philox_key(seed_, RandomUse::Masking), static_cast<std::uint32_t>(sample),
                        static_cast<std::uint32_t>(sample >> 32),
                        static_cast<std::uint32_t>(key.epoch));
    chosen_.clear();
    for (std::size_t i = 0; i < words_.size() && chosen_.size() < wanted; ++i) {
        const auto left = static_cast<std::uint32_t>(words_.size() - i);
        std::swap(words_[i], words_[i + stream.below(left)]);
        const Word word = words_[i];
        if (chosen_.size() + static_cast<std::size_t>(word.count) > wanted) {
            continue;
        }
        for (std::int32_t at = word.first; at < word.first + word.count; ++at) {
            const auto place = static_cast<std::size_t>(at);
            batch.tokens[static_cast<std::size_t>(begin) + place] =
                replacement(stream, tokens[place], options_);
            chosen_.push_back(at);
        }
    }
    std::ranges::sort(chosen_);
    for (const std::int32_t at : chosen_) {
        batch.mlm_positions.push_back(begin + at);
        batch.mlm_labels.push_back(tokens[static_cast<std::size_t>(at)]);
    }
}

MaskingOptions masking_for(const text::Tokenizer& tokenizer, MaskWhole whole) {
    MaskingOptions options;
    options.special = tokenizer.special();
    options.vocabulary_size = tokenizer.size();
    if (whole == MaskWhole::Words) {
        for (std::int32_t id = 0; id < tokenizer.size(); ++id) {
            options.continues.push_back(tokenizer.continues_word(id) ? 1 : 0);
        }
    }
    return options;
}

}  // namespace hpml::corpus
