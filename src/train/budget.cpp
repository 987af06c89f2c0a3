#include "train/budget.h"

#include <fmt/format.h>

#include <algorithm>

namespace hpml::train {

namespace {

double hours(Seconds time) { return time.value / 3600; }

}  // namespace

double share_used(const Budget& budget, const RunProgress& progress) {
    const double of_steps = budget.steps > 0 ? static_cast<double>(progress.step.value) /
                                                   static_cast<double>(budget.steps)
                                             : 1.0;
    const double of_time = budget.time > Seconds(0) ? progress.time.value / budget.time.value : 0.0;
    return std::min(1.0, std::max(of_steps, of_time));
}

std::string reason_to_end(const Budget& budget, const RunProgress& progress) {
    if (progress.step >= Step(budget.steps)) {
        return fmt::format("all {} steps done", budget.steps);
    }
    if (budget.time > Seconds(0) && progress.time >= budget.time) {
        return fmt::format("the budget of {:g} hours is used up", hours(budget.time));
    }
    if (!progress.validation_loss) {
        return "";
    }
    const double loss = *progress.validation_loss;
    if (budget.target_loss > 0 && loss <= budget.target_loss) {
        return fmt::format("validation loss {:.4f} has reached the target {:g}", loss,
                           budget.target_loss);
    }
    if (budget.early_stop_loss > 0 && progress.time >= budget.early_stop_time &&
        !(loss <= budget.early_stop_loss)) {
        return fmt::format(
            "stopped early: validation loss {:.4f} after {:.2f} hours is above {:g} "
            "(--early-stop-loss)",
            loss, hours(progress.time), budget.early_stop_loss);
    }
    return "";
}

bool Frequency::is_due(Step step, double used) const {
    std::int64_t steps = every;
    if (every_at_begin > 0 && used <= begin) {
        steps = every_at_begin;
    } else if (every_at_end > 0 && used >= 1 - end) {
        steps = every_at_end;
    }
    return is_multiple(step, steps);
}

std::optional<double> milestone_between(const std::vector<double>& milestones, double before,
                                        double now) {
    std::optional<double> last;
    for (const double milestone : milestones) {
        if (milestone > before && milestone <= now && (!last || milestone > *last)) {
            last = milestone;
        }
    }
    return last;
}

}  // namespace hpml::train
