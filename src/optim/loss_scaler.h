#pragma once

#include <cstdint>

#include "base/json.h"

namespace hpml::optim {

struct LossScaleOptions {
    double initial = 65536;               ///< 2^16, as torch.amp.GradScaler begins
    double growth_factor = 2;             ///< above 1
    double backoff_factor = 0.5;          ///< below 1
    std::int64_t growth_interval = 2000;  ///< good steps in a row after which the scale grows
    /// Bad steps that it takes until the scale falls; in a row, at the floor, until the run ends:
    /// fp16 cannot hold this model
    std::int64_t hysteresis = 1;
    double floor = 1;           ///< the least scale
    double ceiling = 16777216;  ///< 2^24: sums of gradients are fp32 numbers, too
};

/// @throw UsageError for options that cannot work
void check_loss_scale(const LossScaleOptions& options);

/// Dynamic loss scaling (Micikevicius et al. 2018): the loss is multiplied by a scale so that small
/// gradients do not vanish in fp16, and a step whose gradients are not finite is left out.
/// Hysteresis as in Megatron-LM. Pure: no clock, no communication; every rank that sees the same
/// verdicts has the same scale.
class LossScaler {
  public:
    /// @throw UsageError for options that cannot work
    explicit LossScaler(const LossScaleOptions& options = {});

    /// What the loss is multiplied by in the next step.
    [[nodiscard]] double scale() const { return scale_; }
    /// Steps left out since the beginning.
    [[nodiscard]] std::int64_t skipped() const { return skipped_; }
    /// Tell how the step's gradients were, the same on all ranks.
    /// @return whether the update may be made
    /// @throw DivergedError if they were not finite in `hysteresis` steps in a row at the floor
    [[nodiscard]] bool judge(bool finite);

    /// For checkpoints: a scaler restored from it goes on with the same scales.
    [[nodiscard]] Json state() const;
    /// A scale below the floor, which may have been raised since, becomes the floor.
    /// @throw InputError naming what is missing or out of range
    void restore(const Json& state, const std::string& where);

  private:
    [[nodiscard]] bool is_at_floor() const { return scale_ <= options_.floor; }

    LossScaleOptions options_;
    double scale_;
    std::int64_t good_ = 0;  ///< steps since the scale changed or a step was bad
    std::int64_t patience_;  ///< bad steps until the scale falls; at the floor, until the end
    std::int64_t skipped_ = 0;
};

}  // namespace hpml::optim
