// What ends a run, and what is due on the way.

#include "train/budget.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <optional>
#include <string>

using namespace hpml;
using namespace hpml::train;

namespace {

constexpr Seconds kHour{3600};

RunProgress after(std::int64_t step, double hours,
                  std::optional<double> validation_loss = std::nullopt) {
    return {Step(step), Seconds(hours * 3600), validation_loss};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(budget_suite)

BOOST_AUTO_TEST_CASE(steps_or_hours_end_a_run_whichever_comes_first) {
    Budget budget;
    budget.steps = 100;
    budget.time = Seconds(0.5 * kHour.value);
    BOOST_TEST(reason_to_end(budget, after(99, 0.49)).empty());
    BOOST_TEST(reason_to_end(budget, after(100, 0.1)) == "all 100 steps done");
    BOOST_TEST(reason_to_end(budget, after(7, 0.5)) == "the budget of 0.5 hours is used up");
    BOOST_TEST(share_used(budget, after(50, 0.1)) == 0.5);
    BOOST_TEST(share_used(budget, after(10, 0.4)) == 0.8);
    BOOST_TEST(share_used(budget, after(10, 4)) == 1.0);
}

BOOST_AUTO_TEST_CASE(a_run_of_no_steps_is_at_its_end) {
    Budget budget;
    budget.steps = 0;
    BOOST_TEST(reason_to_end(budget, after(0, 0)) == "all 0 steps done");
    BOOST_TEST(share_used(budget, after(0, 0)) == 1.0);
}

BOOST_AUTO_TEST_CASE(a_validation_loss_at_the_target_is_enough) {
    Budget budget;
    budget.target_loss = 2.5;
    BOOST_TEST(reason_to_end(budget, after(5, 0)).empty());
    BOOST_TEST(reason_to_end(budget, after(5, 0, 2.51)).empty());
    BOOST_TEST(reason_to_end(budget, after(5, 0, std::nan(""))).empty());
    BOOST_TEST(reason_to_end(budget, after(5, 0, 2.5)).find("target 2.5") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_run_that_does_not_learn_ends_early_and_not_before) {
    Budget budget;
    budget.early_stop_time = Seconds(3 * kHour.value);
    budget.early_stop_loss = 6;
    BOOST_TEST(reason_to_end(budget, after(5, 2.9, 7.0)).empty());
    BOOST_TEST(reason_to_end(budget, after(5, 3.0, 6.0)).empty());
    for (const double loss : {6.1, std::nan("")}) {
        BOOST_TEST(reason_to_end(budget, after(5, 3.0, loss)).find("stopped early") == 0u);
    }
}

BOOST_AUTO_TEST_CASE(only_budgets_of_time_need_the_clock) {
    Budget budget;
    budget.target_loss = 2;
    BOOST_TEST(!budget.uses_clock());
    budget.early_stop_time = kHour;
    BOOST_TEST(budget.uses_clock());
}

BOOST_AUTO_TEST_CASE(validations_can_be_denser_at_both_ends) {
    Frequency frequency;
    BOOST_TEST(!frequency.is_due(Step(10), 0.5));
    frequency.every = 10;
    BOOST_TEST(frequency.is_due(Step(10), 0.05));
    BOOST_TEST(!frequency.is_due(Step(12), 0.05));
    frequency.every_at_begin = 3;
    frequency.every_at_end = 4;
    BOOST_TEST(frequency.is_due(Step(12), 0.1));
    BOOST_TEST(!frequency.is_due(Step(10), 0.1));
    BOOST_TEST(frequency.is_due(Step(50), 0.11));
    BOOST_TEST(!frequency.is_due(Step(48), 0.89));
    BOOST_TEST(frequency.is_due(Step(92), 0.92));
    BOOST_TEST(!frequency.is_due(Step(90), 0.92));
}

BOOST_AUTO_TEST_CASE(a_milestone_is_passed_once) {
    const std::vector<double> milestones{0.9, 0.5, 0.6};
    BOOST_TEST(!milestone_between(milestones, 0.1, 0.49).has_value());
    BOOST_TEST(milestone_between(milestones, 0.49, 0.5).value() == 0.5);
    BOOST_TEST(!milestone_between(milestones, 0.5, 0.59).has_value());
    BOOST_TEST(milestone_between(milestones, 0.4, 0.7).value() == 0.6);
    BOOST_TEST(!milestone_between(milestones, 0.9, 1.0).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
