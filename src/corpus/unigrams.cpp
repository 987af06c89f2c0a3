#include "corpus/unigrams.h"

#include <cmath>
#include <cstddef>

namespace hpml::corpus {

double unigram_entropy(std::span<const std::int64_t> unigrams, const text::SpecialTokens& special) {
    const auto is_counted = [&](std::size_t id) {
        return unigrams[id] > 0 && !special.contains(static_cast<std::int32_t>(id));
    };
    double total = 0;
    for (std::size_t id = 0; id < unigrams.size(); ++id) {
        total += is_counted(id) ? static_cast<double>(unigrams[id]) : 0.0;
    }
    double entropy = 0;
    for (std::size_t id = 0; id < unigrams.size(); ++id) {
        if (is_counted(id)) {
            const double probability = static_cast<double>(unigrams[id]) / total;
            entropy -= probability * std::log(probability);
        }
    }
    return entropy;
}

}  // namespace hpml::corpus
