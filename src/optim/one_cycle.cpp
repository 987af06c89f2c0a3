#include "optim/one_cycle.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hpml::optim {

namespace {

double between(double from, double to, double share, bool is_linear) {
    return is_linear ? (to - from) * share + from
                     : to + (from - to) / 2.0 * (1.0 + std::cos(std::numbers::pi * share));
}

}  // namespace

double OneCycle::rate(double position, const Values& values) const {
    const double end = total - one;
    const double top = rising * total - one;
    const double bottom = three_phase ? 2.0 * rising * total - 2.0 * one : end;
    const double turning = three_phase ? values.first : values.last;
    const double at = std::min(position, end);
    if (at <= top) {
        return between(values.first, values.peak, top > 0.0 ? at / top : 1.0, is_linear);
    }
    if (at <= bottom) {
        return between(values.peak, turning, (at - top) / (bottom - top), is_linear);
    }
    return between(values.first, values.last, (at - bottom) / (end - bottom), is_linear);
}

}  // namespace hpml::optim
