#pragma once

#include <cstdint>
#include <string>

namespace hpml::optim {

struct ScheduleOptions {
    /// linear, constant, cosine, cosine_restarts, polynomial, inverse_sqrt, poly_nvidia
    std::string name = "linear";
    double peak = 1e-4;  ///< learning rate at the end of the warm-up
    std::int64_t warmup_steps = 0;
    std::int64_t total_steps = 0;
    double power = 1.0;              ///< polynomial
    double end = 0.0;                ///< polynomial: learning rate at the end
    std::int64_t cycles = 1;         ///< cosine_restarts
    double warmup_proportion = 0.0;  ///< poly_nvidia: 0 means warmup_steps / total_steps
};

/// The learning rate of the 0-based step `step`: a pure function, so that a resume has nothing to
/// restore. Formulas as Hugging Face's get_*_schedule* (and NVIDIA's PolyWarmUp for poly_nvidia).
/// @throw UsageError for an unknown name
[[nodiscard]] double learning_rate(const ScheduleOptions& options, std::int64_t step);

}  // namespace hpml::optim
