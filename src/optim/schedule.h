#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hpml::optim {

/// What a schedule's position is counted in. Hours are those of the run over all its starts, by one
/// clock that all ranks share, so that a budget of time ends at the schedule's end on any machine.
enum class ScheduleClock { Steps, Hours };

enum class Anneal { Cosine, Linear, OneMinusSqrt };

/// T is the end, W the warm-up, x the position, all in steps or hours; p = (x - W) / (T - W).
struct ScheduleOptions {
    /// constant, linear, cosine, cosine_restarts, polynomial, exponential, step, inverse_sqrt,
    /// one_cycle, wsd, poly_nvidia
    std::string name = "linear";
    ScheduleClock clock = ScheduleClock::Steps;
    double peak = 1e-4;  ///< learning rate at the end of the warm-up
    std::int64_t warmup_steps = 0;
    double warmup_proportion = 0.0;  ///< of T, in place of warmup_steps, if above 0
    double warmup_power = 1.0;       ///< (x / W)^power; academic-budget-bert's curve exp: 2
    std::int64_t total_steps = 0;    ///< T of the clock of steps
    double total_hours = 0.0;        ///< T of the clock of hours
    double end = 0.0;                ///< learning rate at T: polynomial, cosine, wsd
    double power = 1.0;              ///< polynomial
    std::int64_t cycles = 1;         ///< cosine_restarts
    double decay_rate = 0.99;        ///< exponential, step: factor for each decay_step
    double decay_step = 1000.0;      ///< exponential, step: steps or hours
    double decay_proportion = 0.1;   ///< wsd: the last part of T, in which the rate falls
    Anneal anneal = Anneal::Cosine;  ///< one_cycle (cosine, linear), wsd (all three)
    double pct_start = 0.3;          ///< one_cycle: the part of T in which the rate rises
    double div_factor = 25.0;        ///< one_cycle: peak / first rate
    double final_div_factor = 1e4;   ///< one_cycle: first rate / last rate
    bool three_phase = false;        ///< one_cycle: down to the first rate, then to the last
    double base_momentum = 0.85;     ///< one_cycle: at the peak; 0: momentum does not change
    double max_momentum = 0.95;      ///< one_cycle: at both ends
};

/// How far a run is: the 0-based step that begins and the hours that the run has taken until now.
struct Position {
    std::int64_t step = 0;
    double hours = 0.0;
};

/// What a step takes from the schedule.
struct Rates {
    Rates(double rate, std::optional<double> momentum_now = std::nullopt)
        : learning_rate(rate), momentum(momentum_now) {}

    double learning_rate;
    std::optional<double> momentum;  ///< in place of the optimizer's momentum or beta1
};

/// The learning rate of the step that begins at `position`: a pure function, so that a resume has
/// nothing to restore. Formulas as Hugging Face's get_*_schedule*, torch's OneCycleLR,
/// ExponentialLR and StepLR behind a warm-up, NVIDIA's PolyWarmUp (poly_nvidia) and
/// academic-budget-bert's linear and exp curves, by steps or time, for any budget. A warm-up of
/// `warmup_steps` beside the clock of hours multiplies a decay that begins at once. Behind T the
/// rate stays at its end.
/// @throw UsageError for an unknown name
[[nodiscard]] double learning_rate(const ScheduleOptions& options, const Position& position);
[[nodiscard]] inline double learning_rate(const ScheduleOptions& options, std::int64_t step) {
    return learning_rate(options, Position{step, 0.0});
}
/// The momentum that goes with it; nothing where the schedule leaves it alone.
[[nodiscard]] std::optional<double> momentum(const ScheduleOptions& options,
                                             const Position& position);
[[nodiscard]] inline Rates rates(const ScheduleOptions& options, const Position& position) {
    return {learning_rate(options, position), momentum(options, position)};
}

/// Whether the rate depends on T, so that somebody has to say when the run ends.
[[nodiscard]] bool needs_end(const ScheduleOptions& options);

/// @throw UsageError for an unknown name or options that exclude each other; T is known by then
/// where needs_end
void check_schedule(const ScheduleOptions& options);

/// All names, for the option table.
[[nodiscard]] std::vector<std::string> schedule_names();

}  // namespace hpml::optim
