#pragma once

namespace hpml::optim {

/// The phases of Smith & Topin's one-cycle policy as torch.optim.lr_scheduler.OneCycleLR cuts them.
struct OneCycle {
    double total = 0;     ///< steps, or hours
    double rising = 0.3;  ///< share of it in which the value goes from first to peak
    double one = 1.0;     ///< torch ends each phase one step early; 0 for a continuous position
    bool three_phase = false;
    bool is_linear = false;

    struct Values {
        double first = 0;
        double peak = 0;
        double last = 0;  ///< with three phases by way of `first`
    };

    /// The value at a position; behind the end, the last one.
    [[nodiscard]] double rate(double position, const Values& values) const;
};

}  // namespace hpml::optim
