#include "corpus/masking.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace hpml::corpus {

namespace {

std::size_t predictions(std::size_t candidates, const MaskingOptions& options) {
    if (candidates == 0) {
        return 0;
    }
    const auto wanted = static_cast<std::size_t>(
        std::max(1LL, std::llround(options.rate * static_cast<double>(candidates))));
    const auto bound = static_cast<std::size_t>(options.max_predictions);
    return std::min({wanted, bound > 0 ? bound : candidates, candidates});
}

constexpr std::size_t kBits = 64;  ///< of a word of Masker::chosen_

}  // namespace

Masker::Masker(MaskingOptions options, std::uint64_t seed)
    : options_(std::move(options)), key_(philox_key(seed, RandomUse::Masking)) {
    expects(options_.vocabulary_size > 0, "the vocabulary's size in the masking options");
    expects(options_.continues.empty() ||
                options_.continues.size() == static_cast<std::size_t>(options_.vocabulary_size),
            "for each token whether it continues a word");
}

/// @return how many there are
std::size_t Masker::find_candidates(std::span<const std::int32_t> tokens) {
    candidates_.resize(tokens.size());
    candidate_count_ = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        candidates_[candidate_count_] = static_cast<std::int32_t>(i);
        candidate_count_ += options_.special.contains(tokens[i]) ? 0 : 1;
    }
    return candidate_count_;
}

/// @return candidate tokens, in all words
std::size_t Masker::find_words(std::span<const std::int32_t> tokens) {
    words_.clear();
    std::size_t candidates = 0;
    bool is_inside = false;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (options_.special.contains(tokens[i])) {
            is_inside = false;
            continue;
        }
        ++candidates;
        if (is_inside && options_.continues[static_cast<std::size_t>(tokens[i])] != 0) {
            ++words_.back().count;
        } else {
            words_.push_back({static_cast<std::int32_t>(i), 1});
        }
        is_inside = true;
    }
    return candidates;
}

/// Always two words of the stream, so that it does not depend on what they choose.
void Masker::predict(std::span<std::int32_t> row, std::int32_t at, PhiloxStream& stream) {
    const auto place = static_cast<std::size_t>(at);
    const std::uint32_t tenth = stream.below(10);
    const auto random = static_cast<std::int32_t>(
        stream.below(static_cast<std::uint32_t>(options_.vocabulary_size)));
    const std::int32_t other = tenth == 8 ? random : row[place];
    row[place] = tenth < 8 ? options_.special.mask : other;
    chosen_[place / kBits] |= std::uint64_t{1} << place % kBits;
}

void Masker::predict_tokens(std::span<std::int32_t> row, std::size_t wanted, PhiloxStream& stream) {
    for (std::size_t i = 0; i < wanted; ++i) {
        const auto left = static_cast<std::uint32_t>(candidate_count_ - i);
        std::swap(candidates_[i], candidates_[i + stream.below(left)]);
        predict(row, candidates_[i], stream);
    }
}

void Masker::predict_words(std::span<std::int32_t> row, std::size_t wanted, PhiloxStream& stream) {
    for (std::size_t i = 0; i < words_.size() && wanted > 0; ++i) {
        const auto left = static_cast<std::uint32_t>(words_.size() - i);
        std::swap(words_[i], words_[i + stream.below(left)]);
        const Word word = words_[i];
        if (static_cast<std::size_t>(word.count) > wanted) {
            continue;
        }
        for (std::int32_t at = word.first; at < word.first + word.count; ++at) {
            predict(row, at, stream);
        }
        wanted -= static_cast<std::size_t>(word.count);
    }
}

void Masker::append(Batch& batch, std::span<const std::int32_t> tokens,
                    std::span<const std::int32_t> segments, MaskingKey key) {
    expects(key.epoch >= 0 && key.epoch <= 0xFFFFFFFF, "an epoch of 32 bits");
    const std::size_t begin = batch.tokens.size();
    batch.append(key.sample, tokens, segments);

    const auto sample = static_cast<std::uint64_t>(key.sample);
    PhiloxStream stream(key_, static_cast<std::uint32_t>(sample),
                        static_cast<std::uint32_t>(sample >> 32),
                        static_cast<std::uint32_t>(key.epoch));
    chosen_.assign((tokens.size() + kBits - 1) / kBits, 0);
    const auto row = std::span(batch.tokens).subspan(begin);
    if (options_.continues.empty()) {
        predict_tokens(row, predictions(find_candidates(tokens), options_), stream);
    } else {
        predict_words(row, predictions(find_words(tokens), options_), stream);
    }
    for (std::size_t word = 0; word < chosen_.size(); ++word) {
        for (std::uint64_t bits = chosen_[word]; bits != 0; bits &= bits - 1) {
            const std::size_t at = word * kBits + static_cast<std::size_t>(std::countr_zero(bits));
            batch.mlm_positions.push_back(static_cast<std::int32_t>(begin + at));
            batch.mlm_labels.push_back(tokens[at]);
        }
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
