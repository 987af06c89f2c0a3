#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"

namespace hpml::train {

/// How far a run has come, over all its starts; the same on every rank.
struct RunProgress {
    Step step;     ///< steps done
    Seconds time;  ///< of training until now, validations and saves included; rank 0's clock
    std::optional<double> validation_loss;  ///< of the last validation
};

/// What a run may use up, and when it has reached what it was for. What comes first ends it.
struct Budget {
    std::int64_t steps = 1000;
    Seconds time;                ///< over all starts; 0: no limit
    double target_loss = 0;      ///< validation loss that is enough; 0: none
    Seconds early_stop_time;     ///< from here on, a validation loss ...
    double early_stop_loss = 0;  ///< ... above this ends a run that does not learn; 0: never

    /// Whether a run with this budget is not a function of its steps alone.
    [[nodiscard]] bool uses_clock() const {
        return time > Seconds(0) || early_stop_time > Seconds(0);
    }
};

/// The share of the budget that is used up, 0 to 1: of the steps or of the time, whichever is more.
[[nodiscard]] double share_used(const Budget& budget, const RunProgress& progress);

/// Why the run is at its end, for people; empty: it is not.
[[nodiscard]] std::string reason_to_end(const Budget& budget, const RunProgress& progress);

/// Every how many steps something happens, and how often near both ends of the budget, as
/// academic-budget-bert's validation_epochs, _begin and _end.
struct Frequency {
    std::int64_t every = 0;           ///< steps; 0: never
    std::int64_t every_at_begin = 0;  ///< in the first `begin` of the budget; 0: as elsewhere
    std::int64_t every_at_end = 0;    ///< in the last `end` of the budget; 0: as elsewhere
    double begin = 0.1;
    double end = 0.1;

    /// @param used  share of the budget
    [[nodiscard]] bool is_due(Step step, double used) const;
};

/// @param every  steps; 0: no step is one
[[nodiscard]] inline bool is_multiple(Step step, std::int64_t every) {
    return every > 0 && step.value % every == 0;
}

/// The largest of `milestones` (shares of the budget) that lies above `before` and not above
/// `now`; nothing if none does.
[[nodiscard]] std::optional<double> milestone_between(const std::vector<double>& milestones,
                                                      double before, double now);

}  // namespace hpml::train
