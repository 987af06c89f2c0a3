// How many checkpoints a run will come to, against one that is played step by step.

#include "tasks/space_estimate.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "support/data.h"
#include "tasks/memory_estimate.h"

using namespace hpml;
using namespace hpml::tasks;

namespace {

PretrainOptions options_of(std::int64_t steps, std::int64_t every, std::int64_t keep) {
    PretrainOptions options;
    options.budget.steps = steps;
    options.checkpoint_every = every;
    options.keep_checkpoints = keep;
    return options;
}

/// A run as its saver, its loop and checkpoint::retain() make it.
struct Played {
    std::vector<HeldCheckpoint> held;
    std::size_t most = 0;

    void go_on(const PretrainOptions& options, std::int64_t from, std::int64_t to) {
        const std::int64_t steps = options.budget.steps;
        for (std::int64_t step = from + 1; step <= to; ++step) {
            const auto share = [&](std::int64_t done) {
                return train::share_used(options.budget, {Step(done), Seconds(0), {}});
            };
            const auto passed =
                train::milestone_between(options.milestones, share(step - 1), share(step));
            std::string milestone =
                passed && step < steps ? milestone_label(*passed) : std::string();
            if (milestone.empty() && train::is_multiple(Step(step), options.keep_every)) {
                milestone = "every so many steps";
            }
            if (!milestone.empty() || step == steps ||
                train::is_multiple(Step(step), options.checkpoint_every)) {
                held.push_back({Step(step), milestone});
                most = std::max(most, held.size());
                retain(options.keep_checkpoints);
            }
        }
    }

  private:
    void retain(std::int64_t keep) {
        std::vector<HeldCheckpoint> kept;
        for (std::size_t i = 0; i < held.size(); ++i) {
            const bool is_new = static_cast<std::int64_t>(held.size() - i) <= keep;
            if (is_new || !held[i].milestone.empty()) {
                kept.push_back(held[i]);
            }
        }
        held = kept;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(space_estimate_suite)

BOOST_AUTO_TEST_CASE(the_count_is_what_a_run_comes_to_from_its_start_and_from_any_resume) {
    for (const std::int64_t every : {0, 1, 7, 10}) {
        for (const std::int64_t keep_every : {0, 10, 14, 25}) {
            for (const std::int64_t keep : {1, 3, 40}) {
                for (const std::int64_t steps : {1, 9, 50, 97}) {
                    PretrainOptions options = options_of(steps, every, keep);
                    options.keep_every = keep_every;
                    options.milestones = {0.9, 0.5, 0.6, 0.07, 0.7, 0.995};
                    Played whole;
                    whole.go_on(options, 0, steps);
                    const CheckpointCount count = count_checkpoints(options, {});
                    BOOST_TEST(count.at_once == static_cast<std::int64_t>(whole.most),
                               every << " " << keep_every << " " << keep << " " << steps);
                    Played halves;
                    halves.go_on(options, 0, steps / 2);
                    const std::int64_t done =
                        halves.held.empty() ? 0 : halves.held.back().step.value;
                    const CheckpointCount rest = count_checkpoints(options, halves.held);
                    halves.go_on(options, done, steps);
                    BOOST_TEST(rest.at_once == static_cast<std::int64_t>(halves.most),
                               every << " " << keep_every << " " << keep << " " << steps);
                    BOOST_TEST(rest.for_good == count.for_good);
                    BOOST_TEST(count.for_good == std::count_if(whole.held.begin(), whole.held.end(),
                                                               [](const auto& one) {
                                                                   return !one.milestone.empty();
                                                               }));
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_run_without_a_number_of_steps_counts_the_shares_that_it_has_not_reached) {
    PretrainOptions options = options_of(kUnlimitedSteps, 100, 3);
    options.milestones = {0.5, 0.6, 0.9};
    BOOST_TEST(count_checkpoints(options, {}).at_once == 3 + 3 + 1);
    const std::vector<HeldCheckpoint> held = {{Step(70), milestone_label(0.5)}, {Step(100), ""}};
    BOOST_TEST(count_checkpoints(options, held).for_good == 3);
    BOOST_TEST(count_checkpoints(options, held).at_once == 3 + 3 + 1);
}

BOOST_AUTO_TEST_CASE(a_run_that_keeps_nearly_all_is_counted_without_looking_at_each) {
    const std::int64_t many = 1'000'000'000;
    BOOST_TEST(count_checkpoints(options_of(many, 1, many), {}).at_once == many);
    BOOST_TEST(count_checkpoints(options_of(many, many / 2, many), {}).at_once == 2);
}

BOOST_AUTO_TEST_CASE(an_estimate_says_what_it_counts_and_what_it_cannot_count) {
    const test::ScratchFolder run("space");
    const auto config = model::ModelConfig{};
    PretrainOptions options = options_of(1000, 100, 3);
    options.run = run / "run";
    const auto plain = estimate_space(options, config);
    BOOST_TEST(plain.to_come == 4);
    BOOST_TEST(plain.counted() == "4 to come");
    options.keep_every = 200;
    options.milestones = {0.5, 0.45};
    const auto kept = estimate_space(options, config);
    // 200, 400, ..., 1000 and 450 and 500 for good, 700 and 900 in turn.
    BOOST_TEST(kept.counted() == "9 to come, 7 of them for good (--keep-every, --milestones)");
    const auto size = static_cast<double>(estimate_checkpoint(options, config).value);
    BOOST_TEST(static_cast<double>(plain.needed.value) == 4.2 * size,
               boost::test_tools::tolerance(1e-6));
    BOOST_TEST(static_cast<double>(kept.needed.value) == 9.2 * size,
               boost::test_tools::tolerance(1e-6));
    SpaceEstimate full = kept;
    full.available = Bytes(1);
    BOOST_TEST(!full.fits());
    BOOST_TEST(full.explain().find("MB, 7 of them for good (saves") != std::string::npos,
               full.explain());
    options.budget.steps = kUnlimitedSteps;
    BOOST_TEST(estimate_space(options, config).counted() ==
               "6 to come, 2 of them for good (--keep-every, --milestones), and one for good every "
               "200 steps, which are not counted (the number of steps is not known)");
}

BOOST_AUTO_TEST_CASE(no_more_are_said_to_come_for_good_than_to_come) {
    const test::ScratchFolder folder("space");
    PretrainOptions options = options_of(60, 1, 3);
    options.keep_every = 10;
    options.run = folder / "run";
    // Four go while 10, 20, ..., 60 come for good and 57, 58 and 59 in turn.
    for (const char* step : {"step-00000001", "step-00000002", "step-00000003", "step-00000004"}) {
        std::filesystem::create_directories(checkpoint::checkpoints_of(options.run) / step);
    }
    BOOST_TEST(estimate_space(options, model::ModelConfig{}).counted() ==
               "5 to come, 5 of them for good (--keep-every, --milestones)");
}

BOOST_AUTO_TEST_SUITE_END()
