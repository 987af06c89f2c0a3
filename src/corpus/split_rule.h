#pragma once

#include <cstdint>

namespace hpml::corpus {

/// Which documents are the validation split: those whose draw lies below a threshold.
struct SplitRule {
    std::int64_t threshold = 0;

    /// @param fraction  of the documents; moved so that each split gets a document
    /// @throw InputError if all documents have one text
    [[nodiscard]] static SplitRule choose(double fraction, std::int64_t least_draw,
                                          std::int64_t greatest_draw);
    [[nodiscard]] bool is_validation(std::int64_t draw) const { return draw < threshold; }
};

}  // namespace hpml::corpus
