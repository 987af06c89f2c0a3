#include "corpus/split_rule.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace hpml::corpus {

SplitRule SplitRule::choose(double fraction, std::int64_t least_draw, std::int64_t greatest_draw) {
    if (greatest_draw < 0) {
        throw InputError(
            "the input holds no text (there is nothing to train on); give files with "
            "documents, or check --format");
    }
    if (least_draw == greatest_draw) {
        throw InputError(
            "the input holds one document only (training and validation need one each); give more "
            "text, or separate documents by blank lines");
    }
    auto threshold = static_cast<std::int64_t>(std::ldexp(fraction, 63));
    threshold = std::clamp(threshold, least_draw + 1, greatest_draw);
    return {threshold};
}

}  // namespace hpml::corpus
