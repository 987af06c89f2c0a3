#pragma once

#include <cstdint>
#include <span>

#include "text/special_tokens.h"

namespace hpml::corpus {

/// The entropy of how often each token occurs, in nats; 0 if none does. Special tokens do not
/// count.
/// @param unigrams  [vocabulary] occurrences
[[nodiscard]] double unigram_entropy(std::span<const std::int64_t> unigrams,
                                     const text::SpecialTokens& special);

}  // namespace hpml::corpus
