#pragma once

#include <cstdint>

namespace hpml::corpus {

/// The global batch of every step: `full` sequences, or, at the beginning of a run, from `start` in
/// equal increments up to that. Each size lasts for about as many sequences, in whole steps, as
/// Megatron-LM's --rampup-batch-size has it. Functions of the step alone: nothing to save.
struct BatchRamp {
    std::int64_t full = 256;     ///< sequences
    std::int64_t start = 0;      ///< of the first step; 0: `full` from the first step on
    std::int64_t increment = 0;  ///< divides full - start; unused without a ramp
    std::int64_t sequences = 0;  ///< trained with smaller batches than `full`, about

    [[nodiscard]] bool is_on() const { return start > 0 && start < full; }
    /// Sequences of a step.
    [[nodiscard]] std::int64_t batch(std::int64_t step) const;
    /// Sequences of all steps before it: where its batch begins in the order of samples.
    [[nodiscard]] std::int64_t first_sequence(std::int64_t step) const;
    /// Steps until that many sequences have been taken.
    [[nodiscard]] std::int64_t steps_for(std::int64_t wanted) const;

  private:
    struct Level {
        std::int64_t step = 0;      ///< its first
        std::int64_t sequence = 0;  ///< its first
        std::int64_t batch = 0;
        std::int64_t steps = 0;  ///< that it lasts; the last level has no end
    };
    template <class IsIn>
    [[nodiscard]] Level find(const IsIn& is_in) const;
};

}  // namespace hpml::corpus
