#include "tasks/space_estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "base/megabytes.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/save.h"
#include "manifest/manifest.h"
#include "tasks/memory_estimate.h"

namespace hpml::tasks {

namespace {

/// So many of the newest checkpoints are looked at one by one.
constexpr std::int64_t kLongestLook = 100'000;

std::int64_t multiples(std::int64_t every, std::int64_t behind, std::int64_t until) {
    return every > 0 && until > behind ? until / every - behind / every : 0;
}

/// The step after which a run of `steps` has used this share.
std::int64_t step_of(double share, std::int64_t steps) {
    const auto used = [&](std::int64_t step) {
        return static_cast<double>(step) / static_cast<double>(steps);
    };
    auto step = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(steps)));
    while (step > 0 && used(step - 1) >= share) {
        --step;
    }
    while (used(step) < share) {
        ++step;
    }
    return step;
}

/// The saves behind step `done` of a run whose number of steps is known.
class Saves {
  public:
    Saves(const PretrainOptions& options, std::int64_t done)
        : options_(options), done_(done), steps_(options.budget.steps) {
        for (const double share : options.milestones) {
            const std::int64_t step = step_of(share, steps_);
            // The last save of a run comes without a label.
            if (step > done_ && step < steps_) {
                milestones_.push_back(step);
            }
        }
        std::sort(milestones_.begin(), milestones_.end());
        milestones_.erase(std::unique(milestones_.begin(), milestones_.end()), milestones_.end());
    }

    /// Those that stay.
    [[nodiscard]] std::int64_t for_good() const {
        const auto others =
            std::count_if(milestones_.begin(), milestones_.end(), [&](std::int64_t step) {
                return !train::is_multiple(Step(step), options_.keep_every);
            });
        return multiples(options_.keep_every, done_, steps_) + others;
    }

    struct Newest {
        std::int64_t passing = 0;  ///< would go when newer ones came
        std::int64_t older = 0;    ///< reach back behind these saves
    };
    /// What the newest `most` checkpoints are.
    [[nodiscard]] Newest newest(std::int64_t most) const {
        Newest found{.passing = 0, .older = most};
        std::int64_t step = steps_;
        for (; found.older > 0 && step > done_; step = before(step)) {
            if (most - found.older >= kLongestLook) {
                const std::int64_t more =
                    std::min(found.older, multiples(options_.checkpoint_every, done_, step));
                found.older -= more;
                found.passing += more;
                break;
            }
            --found.older;
            found.passing += is_for_good(step) ? 0 : 1;
        }
        return found;
    }

  private:
    [[nodiscard]] bool is_for_good(std::int64_t step) const {
        return train::is_multiple(Step(step), options_.keep_every) ||
               std::binary_search(milestones_.begin(), milestones_.end(), step);
    }
    /// The latest save before `step`; `done_` if there is none.
    [[nodiscard]] std::int64_t before(std::int64_t step) const {
        std::int64_t found = done_;
        for (const std::int64_t every : {options_.checkpoint_every, options_.keep_every}) {
            found = every > 0 ? std::max(found, (step - 1) / every * every) : found;
        }
        const auto milestone = std::lower_bound(milestones_.begin(), milestones_.end(), step);
        return milestone == milestones_.begin() ? found : std::max(found, *(milestone - 1));
    }

    const PretrainOptions& options_;
    std::int64_t done_;
    std::int64_t steps_;
    std::vector<std::int64_t> milestones_;  ///< steps, ascending
};

/// Of a run that ends by its hours or its loss: the shares of the budget that it has not reached.
std::int64_t shares_to_come(const PretrainOptions& options,
                            const std::vector<HeldCheckpoint>& held) {
    return std::count_if(options.milestones.begin(), options.milestones.end(), [&](double share) {
        return std::none_of(held.begin(), held.end(), [&](const HeldCheckpoint& one) {
            return one.milestone == milestone_label(share);
        });
    });
}

bool stays(const HeldCheckpoint& one) { return !one.milestone.empty(); }

std::vector<HeldCheckpoint> held_checkpoints(const std::filesystem::path& run) {
    std::vector<HeldCheckpoint> held;
    for (const auto& found : checkpoint::list_checkpoints(run)) {
        HeldCheckpoint one{found.step, ""};
        try {
            one.milestone = checkpoint::read_manifest(found.folder).milestone;
        } catch (const Error&) {
            one.milestone.clear();  // a damaged one does not stay
        }
        held.push_back(std::move(one));
    }
    return held;
}

}  // namespace

std::string milestone_label(double share) {
    return fmt::format("{:g} % of the budget", 100 * share);
}

CheckpointCount count_checkpoints(const PretrainOptions& options,
                                  const std::vector<HeldCheckpoint>& held) {
    CheckpointCount count;
    count.for_good = std::count_if(held.begin(), held.end(), stays);
    if (options.budget.steps == kUnlimitedSteps) {
        count.for_good += shares_to_come(options, held);
        count.at_once =
            count.for_good + (options.checkpoint_every > 0 ? options.keep_checkpoints + 1 : 1);
        return count;
    }
    const Saves saves(options, held.empty() ? 0 : held.back().step.value);
    count.for_good += saves.for_good();
    // Milestones pile up, so there are most when the last one has been written and none has gone
    // for it yet.
    const Saves::Newest newest = saves.newest(options.keep_checkpoints + 1);
    count.at_once = count.for_good + newest.passing;
    auto older = newest.older;
    for (auto one = held.rbegin(); one != held.rend() && older > 0; ++one, --older) {
        count.at_once += stays(*one) ? 0 : 1;
    }
    return count;
}

SpaceEstimate estimate_space(const PretrainOptions& options, const model::ModelConfig& config) {
    SpaceEstimate space;
    space.folder = std::filesystem::absolute(checkpoint::checkpoints_of(options.run));
    while (!std::filesystem::exists(space.folder) && space.folder.has_relative_path()) {
        space.folder = space.folder.parent_path();
    }
    const auto held = held_checkpoints(options.run);
    const CheckpointCount count = count_checkpoints(options, held);
    const auto there = static_cast<std::int64_t>(held.size());
    space.to_come = std::max<std::int64_t>(1, count.at_once - there);
    // Where old ones go for milestones, more of these are written than the disk gets fuller by.
    space.for_good =
        std::min(space.to_come, count.for_good - std::count_if(held.begin(), held.end(), stays));
    space.uncounted_every = options.budget.steps == kUnlimitedSteps ? options.keep_every : 0;
    // The last save, too, begins only with space to spare.
    space.needed = Bytes(static_cast<std::uint64_t>(
        (static_cast<double>(space.to_come) + checkpoint::kSpaceToSpare) *
        static_cast<double>(estimate_checkpoint(options, config).value)));
    space.available = free_space(space.folder);
    return space;
}

std::string SpaceEstimate::counted() const {
    std::string text = fmt::format("{} to come", to_come);
    if (for_good > 0) {
        text += fmt::format(", {} of them for good (--keep-every, --milestones)", for_good);
    }
    if (uncounted_every > 0) {
        text += fmt::format(
            ", and one for good every {} steps, which are not counted (the number of steps is not "
            "known)",
            uncounted_every);
    }
    return text;
}

std::string SpaceEstimate::explain() const {
    return fmt::format(
        "{} has {:.1f} MB free, the {} checkpoints still to be kept or written need {:.1f} MB{} "
        "(saves would fail); free some space, choose another --run folder or lower "
        "--keep-checkpoints{}",
        folder.string(), megabytes(available), to_come, megabytes(needed),
        for_good > 0 ? fmt::format(", {} of them for good", for_good) : "",
        for_good > 0 ? " or what --keep-every and --milestones keep" : "");
}

}  // namespace hpml::tasks
