#include "optim/loss_scaler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/json_member.h"

namespace hpml::optim {

void check_loss_scale(const LossScaleOptions& options) {
    const bool can_work = options.floor > 0 && options.initial >= options.floor &&
                          options.initial <= options.ceiling && options.growth_factor > 1 &&
                          options.backoff_factor > 0 && options.backoff_factor < 1 &&
                          options.growth_interval > 0 && options.hysteresis > 0;
    if (!can_work) {
        throw UsageError(fmt::format(
            "a loss scale that begins at {:g} between {:g} and {:g}, grows by {:g} after {} steps "
            "and falls by {:g} after {} (it has to grow, to fall, and to begin within its limits); "
            "correct --loss-scale-init, --loss-scale-min, --loss-scale-window or "
            "--loss-scale-hysteresis",
            options.initial, options.floor, options.ceiling, options.growth_factor,
            options.growth_interval, options.backoff_factor, options.hysteresis));
    }
}

LossScaler::LossScaler(const LossScaleOptions& options)
    : options_(options), scale_(options.initial), patience_(options.hysteresis) {
    check_loss_scale(options);
}

bool LossScaler::judge(bool finite) {
    if (finite) {
        if (++good_ >= options_.growth_interval) {
            scale_ = std::min(scale_ * options_.growth_factor, options_.ceiling);
            good_ = 0;
            patience_ = options_.hysteresis;
        }
        if (is_at_floor()) {
            patience_ = options_.hysteresis;
        }
        return true;
    }
    ++skipped_;
    good_ = 0;
    if (--patience_ > 0) {
        return false;
    }
    if (is_at_floor()) {
        const std::string in_a_row =
            options_.hysteresis > 1 ? fmt::format(", in {} steps in a row", options_.hysteresis)
                                    : "";
        throw DivergedError(fmt::format(
            "gradients are not finite at the least loss scale, {:g}{} (the weights were not "
            "touched; fp16 cannot hold this model's numbers); use --precision bf16 or fp32, or "
            "lower the learning rate, and start the same command again to resume",
            scale_, in_a_row));
    }
    scale_ = std::max(scale_ * options_.backoff_factor, options_.floor);
    // Patience comes back with the next growth: while numbers overflow, every bad step counts. At
    // the floor there is nothing left to try but the next batches.
    patience_ = is_at_floor() ? options_.hysteresis : 1;
    return false;
}

Json LossScaler::state() const {
    return {{"scale", scale_}, {"good", good_}, {"patience", patience_}, {"skipped", skipped_}};
}

void LossScaler::restore(const Json& state, const std::string& where) {
    const auto scale = json_member<double>(state, "scale", where);
    const auto good = json_member<std::int64_t>(state, "good", where);
    const auto patience = json_member<std::int64_t>(state, "patience", where);
    const auto skipped = json_member<std::int64_t>(state, "skipped", where);
    if (!(scale > 0 && scale <= options_.ceiling) || good < 0 || patience < 1 || skipped < 0) {
        throw InputError(where + " has the loss scale " + state.dump() +
                         ", which no run can have reached; resume from another checkpoint");
    }
    scale_ = std::max(scale, options_.floor);
    good_ = good;
    // A floor that was raised above the scale is one that the run comes to now.
    patience_ = scale < scale_ ? options_.hysteresis : std::min(patience, options_.hysteresis);
    skipped_ = skipped;
}

}  // namespace hpml::optim
