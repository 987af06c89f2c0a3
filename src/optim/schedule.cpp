#include "optim/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "base/error.h"
#include "optim/one_cycle.h"
#include "optim/require.h"

namespace hpml::optim {

namespace {

/// Position, warm-up and end in one unit.
struct Place {
    double at = 0;
    double warmup = 0;
    double total = 0;

    /// The share of the way from the end of the warm-up to the end, not capped.
    [[nodiscard]] double progress() const {
        return total > warmup ? (at - warmup) / (total - warmup) : at < total ? 0.0 : 1.0;
    }
};

bool by_hours(const ScheduleOptions& options) { return options.clock == ScheduleClock::Hours; }

/// Whether the warm-up is counted in the other unit than the rest.
bool warms_up_apart(const ScheduleOptions& options) {
    return by_hours(options) && options.warmup_proportion <= 0.0;
}

Place place_of(const ScheduleOptions& options, const Position& position) {
    Place place;
    place.at = by_hours(options) ? position.hours : static_cast<double>(position.step);
    place.total =
        by_hours(options) ? options.total_hours : static_cast<double>(options.total_steps);
    if (options.warmup_proportion > 0.0) {
        place.warmup = options.warmup_proportion * place.total;
    } else if (!warms_up_apart(options)) {
        place.warmup = static_cast<double>(options.warmup_steps);
    }
    return place;
}

double rise(const ScheduleOptions& options, double share) {
    return options.warmup_power == 1.0 ? share : std::pow(share, options.warmup_power);
}

/// A factor that falls from 1 to 0 brought to one that falls to the end's.
double above_end(const ScheduleOptions& options, double factor) {
    const double least = options.end / options.peak;
    return least + (1.0 - least) * factor;
}

double half_wave(double p) { return 0.5 * (1.0 + std::cos(std::numbers::pi * p)); }

double constant(const ScheduleOptions&, const Place&) { return 1.0; }

double linear(const ScheduleOptions&, const Place& place) {
    return std::max(0.0, 1.0 - place.progress());
}

double cosine(const ScheduleOptions& options, const Place& place) {
    return above_end(options, half_wave(std::min(1.0, place.progress())));
}

double cosine_restarts(const ScheduleOptions& options, const Place& place) {
    const double p = place.progress();
    return p >= 1.0 ? 0.0 : half_wave(std::fmod(static_cast<double>(options.cycles) * p, 1.0));
}

double polynomial(const ScheduleOptions& options, const Place& place) {
    return above_end(options, std::pow(std::max(0.0, 1.0 - place.progress()), options.power));
}

double exponential(const ScheduleOptions& options, const Place& place) {
    return std::pow(options.decay_rate, (place.at - place.warmup) / options.decay_step);
}

double staircase(const ScheduleOptions& options, const Place& place) {
    return std::pow(options.decay_rate, std::floor((place.at - place.warmup) / options.decay_step));
}

double inverse_sqrt(const ScheduleOptions&, const Place& place) {
    const double scale = place.warmup > 0.0 ? place.warmup : 10000.0;
    return 1.0 / std::sqrt((place.at + scale - place.warmup) / scale);
}

double warmup_stable_decay(const ScheduleOptions& options, const Place& place) {
    const double length = options.decay_proportion * place.total;
    const double left = std::max(0.0, place.total - place.at);
    if (left >= length) {
        return 1.0;
    }
    const double p = 1.0 - left / length;
    const double factor = options.anneal == Anneal::Cosine   ? half_wave(p)
                          : options.anneal == Anneal::Linear ? 1.0 - p
                                                             : 1.0 - std::sqrt(p);
    return above_end(options, factor);
}

/// PolyWarmUp of NVIDIA's DeepLearningExamples: the decay starts from 1 - p, not from the end of
/// the warm-up, so the rate falls by a jump there. Kept as it is: published results depend on it.
double poly_nvidia(const ScheduleOptions& options, const Position& position) {
    Place place = place_of(options, position);
    if (!by_hours(options)) {
        place.at += 1.0;
    }
    const double warmup = place.warmup / place.total;
    const double p = place.at / place.total;
    return p < warmup ? rise(options, p / warmup) : std::sqrt(std::max(0.0, 1.0 - p));
}

OneCycle one_cycle_of(const ScheduleOptions& options) {
    // torch counts from step 0 to step T - 1; hours run to T itself.
    const bool hours = by_hours(options);
    return {hours ? options.total_hours : static_cast<double>(options.total_steps),
            options.pct_start, hours ? 0.0 : 1.0, options.three_phase,
            options.anneal == Anneal::Linear};
}

using Decay = double (*)(const ScheduleOptions&, const Place&);

constexpr std::array<std::pair<std::string_view, Decay>, 9> kDecays = {{
    {"constant", constant},
    {"linear", linear},
    {"cosine", cosine},
    {"cosine_restarts", cosine_restarts},
    {"polynomial", polynomial},
    {"exponential", exponential},
    {"step", staircase},
    {"inverse_sqrt", inverse_sqrt},
    {"wsd", warmup_stable_decay},
}};

Decay decay_of(const std::string& name) {
    const auto* const found = std::find_if(kDecays.begin(), kDecays.end(),
                                           [&](const auto& entry) { return entry.first == name; });
    if (found == kDecays.end()) {
        std::string known;
        for (const std::string& one : schedule_names()) {
            known += (known.empty() ? "" : ", ") + one;
        }
        throw UsageError("unknown schedule '" + name + "'; known: " + known);
    }
    return found->second;
}

/// A decay behind a warm-up that is counted in the same unit.
double rise_or_decay(const ScheduleOptions& options, const Position& position) {
    const Decay decay = decay_of(options.name);
    const Place place = place_of(options, position);
    return place.at < place.warmup ? rise(options, place.at / place.warmup) : decay(options, place);
}

}  // namespace

double learning_rate(const ScheduleOptions& options, const Position& position) {
    if (options.name == "one_cycle") {
        const double first = options.peak / options.div_factor;
        return one_cycle_of(options).rate(place_of(options, position).at,
                                          {first, options.peak, first / options.final_div_factor});
    }
    double factor = options.name == "poly_nvidia" ? poly_nvidia(options, position)
                                                  : rise_or_decay(options, position);
    if (warms_up_apart(options) && position.step < options.warmup_steps) {
        factor *= rise(options, static_cast<double>(position.step) /
                                    static_cast<double>(options.warmup_steps));
    }
    return options.peak * factor;
}

std::optional<double> momentum(const ScheduleOptions& options, const Position& position) {
    if (options.name != "one_cycle" || options.base_momentum <= 0.0) {
        return std::nullopt;
    }
    return one_cycle_of(options).rate(
        place_of(options, position).at,
        {options.max_momentum, options.base_momentum, options.max_momentum});
}

bool needs_end(const ScheduleOptions& options) {
    const bool endless = options.name == "constant" || options.name == "inverse_sqrt" ||
                         options.name == "exponential" || options.name == "step";
    return !endless || options.warmup_proportion > 0.0;
}

void check_schedule(const ScheduleOptions& options) {
    const std::string& name = options.name;
    if (name != "one_cycle" && name != "poly_nvidia") {
        (void)decay_of(name);
    }
    require(options.warmup_proportion >= 0.0 && options.warmup_proportion < 1.0,
            "the warm-up's share must be at least 0 and below 1");
    require(options.warmup_proportion == 0.0 || options.warmup_steps == 0,
            "a warm-up is given in steps or as a share of the run, not both");
    require(name != "inverse_sqrt" || !by_hours(options),
            "schedule inverse_sqrt goes by steps (its unit of time is the warm-up's)");
    require(name != "one_cycle" || (options.warmup_steps == 0 && options.warmup_proportion == 0.0),
            "schedule one_cycle rises by itself (--pct-start), without a warm-up");
    require(name != "one_cycle" || options.anneal != Anneal::OneMinusSqrt,
            "schedule one_cycle anneals by a cosine or linearly");
    require(options.decay_step > 0.0 && options.decay_rate > 0.0,
            "the decay's rate and step must be above 0");
    require(options.end >= 0.0 && options.end <= options.peak,
            "the last learning rate must not be above the peak");
    require(!needs_end(options) || !by_hours(options) || options.total_hours > 0.0,
            "a schedule by time needs a budget of time");
}

std::vector<std::string> schedule_names() {
    std::vector<std::string> names;
    for (const auto& entry : kDecays) {
        names.emplace_back(entry.first);
    }
    names.insert(names.end(), {"one_cycle", "poly_nvidia"});
    return names;
}

}  // namespace hpml::optim
