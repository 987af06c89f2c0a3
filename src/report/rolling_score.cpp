#include "report/rolling_score.h"

#include <cmath>
#include <numeric>

namespace hpml {

std::optional<double> RollingScore::add(double value) {
    if (!std::isfinite(value)) {
        return std::nullopt;
    }
    std::optional<double> score;
    if (values_.size() >= least_) {
        // Anew each time: a running sum would drift, and a start that goes on from a file would
        // not find the same bits.
        const auto count = static_cast<double>(values_.size());
        const double mean = std::accumulate(values_.begin(), values_.end(), 0.0) / count;
        double squares = 0;
        for (const double other : values_) {
            squares += (other - mean) * (other - mean);
        }
        if (squares > 0) {
            score = (value - mean) / std::sqrt(squares / count);
        }
    }
    values_.push_back(value);
    if (values_.size() > window_) {
        values_.pop_front();
    }
    return score;
}

}  // namespace hpml
