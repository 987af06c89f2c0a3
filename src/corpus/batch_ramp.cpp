#include "corpus/batch_ramp.h"

#include <algorithm>

#include "base/divide_up.h"
#include "base/error.h"

namespace hpml::corpus {

/// The first level that `is_in` says yes to, else the last one, which is the full batch.
template <class IsIn>
BatchRamp::Level BatchRamp::find(const IsIn& is_in) const {
    Level level{0, 0, full, 0};
    if (!is_on()) {
        return level;
    }
    expects(increment > 0 && (full - start) % increment == 0, "a ramp of whole increments");
    const std::int64_t of_a_level = sequences / ((full - start) / increment);
    for (level.batch = start; level.batch < full; level.batch += increment) {
        level.steps = std::max<std::int64_t>(1, divide_up(of_a_level, level.batch));
        if (is_in(level)) {
            return level;
        }
        level.step += level.steps;
        level.sequence += level.steps * level.batch;
    }
    return level;
}

std::int64_t BatchRamp::batch(std::int64_t step) const {
    return find([&](const Level& level) { return step < level.step + level.steps; }).batch;
}

std::int64_t BatchRamp::first_sequence(std::int64_t step) const {
    const Level level = find([&](const Level& one) { return step < one.step + one.steps; });
    return level.sequence + (step - level.step) * level.batch;
}

std::int64_t BatchRamp::steps_for(std::int64_t wanted) const {
    const Level level =
        find([&](const Level& one) { return wanted <= one.sequence + one.steps * one.batch; });
    return level.step + divide_up(std::max<std::int64_t>(0, wanted - level.sequence), level.batch);
}

}  // namespace hpml::corpus
