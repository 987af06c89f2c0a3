#include "optim/schedule.h"

#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include "base/error.h"

using namespace hpml;
using namespace hpml::optim;
namespace data = boost::unit_test::data;

namespace {

ScheduleOptions schedule(const std::string& name) {
    ScheduleOptions options;
    options.name = name;
    options.peak = 10.0;
    options.warmup_steps = 2;
    options.total_steps = 10;
    return options;
}

void check(const ScheduleOptions& options, const std::vector<double>& wanted, double tolerance) {
    for (std::size_t step = 0; step < wanted.size(); ++step) {
        const double rate = learning_rate(options, static_cast<std::int64_t>(step));
        BOOST_TEST(std::abs(rate - wanted[step]) < tolerance,
                   options.name << " at " << step << ": " << rate << ", not " << wanted[step]);
    }
}

double nvidia(double peak, double proportion, std::int64_t total, std::int64_t step) {
    ScheduleOptions options = schedule("poly_nvidia");
    options.peak = peak;
    options.warmup_proportion = proportion;
    options.total_steps = total;
    return learning_rate(options, step - 1);
}

/// What tests/golden/make_schedules.py wrote.
std::vector<double> golden(const std::string& name) {
    std::ifstream file(std::string(HPML_SOURCE_DIR) + "/tests/golden/schedules.txt");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string first;
        words >> first;
        if (first == name) {
            return {std::istream_iterator<double>(words), std::istream_iterator<double>()};
        }
    }
    return {};
}

/// A schedule of that script.
ScheduleOptions of_golden(const std::string& name) {
    ScheduleOptions options = schedule(name.substr(0, name.find("_end")));
    options.warmup_steps = 5;
    options.total_steps = 40;
    options.cycles = 3;
    options.power = 2.0;
    options.end = name == "polynomial" ? 0.5 : name == "cosine_end" ? 1.0 : 0.0;
    options.decay_rate = name == "step" ? 0.5 : 0.97;
    options.decay_step = name == "step" ? 7 : 1;
    options.decay_proportion = 8.0 / 40;
    if (name == "step" || name == "exponential") {
        options.warmup_steps = 0;
    }
    if (name.starts_with("wsd")) {
        options.name = "wsd";
        options.anneal = name == "wsd_linear"   ? Anneal::Linear
                         : name == "wsd_cosine" ? Anneal::Cosine
                                                : Anneal::OneMinusSqrt;
    }
    if (name.starts_with("one_cycle")) {
        options.name = "one_cycle";
        options.warmup_steps = 0;
        options.total_steps = 41;
        options.anneal = name == "one_cycle_linear" ? Anneal::Linear : Anneal::Cosine;
        if (name == "one_cycle_three") {
            options.three_phase = true;
            options.div_factor = 10;
            options.final_div_factor = 100;
        }
    }
    return options;
}

/// academic-budget-bert's schedule by time: position and budget in hours.
ScheduleOptions by_time(double hours, double proportion) {
    ScheduleOptions options = schedule("linear");
    options.clock = ScheduleClock::Hours;
    options.warmup_steps = 0;
    options.warmup_proportion = proportion;
    options.total_hours = hours;
    return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(schedule_suite)

BOOST_DATA_TEST_CASE(gives_the_values_of_torch_and_transformers,
                     data::make({"linear", "constant", "cosine", "cosine_restarts", "cosine_end",
                                 "polynomial", "inverse_sqrt", "wsd_linear", "wsd_cosine",
                                 "wsd_1-sqrt", "exponential", "step", "one_cycle",
                                 "one_cycle_linear", "one_cycle_three"}),
                     name) {
    const ScheduleOptions options = of_golden(name);
    BOOST_CHECK_NO_THROW(check_schedule(options));
    const std::vector<double> rates = golden(name);
    BOOST_TEST_REQUIRE(rates.size() >= 40);
    check(options, rates, 1e-12);
    const std::vector<double> momenta = golden(std::string(name) + "_momentum");
    BOOST_TEST(momenta.empty() == (options.name != "one_cycle"));
    for (std::size_t step = 0; step < momenta.size(); ++step) {
        const auto found = momentum(options, {static_cast<std::int64_t>(step), 0.0});
        BOOST_TEST(std::abs(found.value_or(0.0) - momenta[step]) < 1e-12);
    }
}

// The lists of PyTorch's test/optim/test_lrscheduler.py.
BOOST_AUTO_TEST_CASE(one_cycle_gives_the_values_of_pytorchs_tests) {
    ScheduleOptions options = schedule("one_cycle");
    options.peak = 25;
    options.warmup_steps = 0;
    options.anneal = Anneal::Linear;
    options.div_factor = 25;
    options.final_div_factor = 2;
    options.base_momentum = 1;
    options.max_momentum = 22;
    check(options, {1, 13, 25, 21.5, 18, 14.5, 11, 7.5, 4, .5}, 1e-9);
    const std::vector<double> momenta = {22, 11.5, 1, 4, 7, 10, 13, 16, 19, 22};
    for (std::size_t step = 0; step < momenta.size(); ++step) {
        const auto found = momentum(options, {static_cast<std::int64_t>(step), 0.0});
        BOOST_TEST(std::abs(found.value_or(0.0) - momenta[step]) < 1e-9);
    }
    options.three_phase = true;
    options.pct_start = 0.4;
    options.final_div_factor = 4;
    check(options, {1, 9, 17, 25, 17, 9, 1, .75, .5, .25}, 1e-9);
    BOOST_TEST(std::abs(learning_rate(options, 100) - .25) < 1e-9);
    options.base_momentum = 0;
    BOOST_TEST(!momentum(options, {3, 0.0}).has_value());
}

BOOST_AUTO_TEST_CASE(a_budget_of_hours_is_exact_however_short) {
    // academic-budget-bert divides by max(1, T - W) in hours: half an hour began its decay at 0.47
    // of the peak.
    for (const double hours : {24.0, 0.5, 0.01}) {
        const ScheduleOptions options = by_time(hours, 0.06);
        BOOST_CHECK_NO_THROW(check_schedule(options));
        const auto at = [&](double share) { return learning_rate(options, {7, share * hours}); };
        BOOST_TEST(at(0.0) == 0.0);
        BOOST_TEST(std::abs(at(0.03) - 5.0) < 1e-9);
        BOOST_TEST(std::abs(at(0.06) - 10.0) < 1e-9);
        BOOST_TEST(std::abs(at(0.53) - 5.0) < 1e-9);
        BOOST_TEST(std::abs(at(1.0)) < 1e-9);
        BOOST_TEST(at(1.5) == 0.0);
    }
}

BOOST_AUTO_TEST_CASE(the_curve_exp_of_academic_budget_bert) {
    ScheduleOptions options = by_time(24, 0.06);
    options.name = "exponential";
    options.warmup_power = 2;
    options.decay_step = 2;
    options.decay_rate = 0.5;
    const double warmup = 24 * 0.06;
    BOOST_TEST(std::abs(learning_rate(options, {0, warmup / 2}) - 2.5) < 1e-9);
    BOOST_TEST(std::abs(learning_rate(options, {0, warmup + 2}) - 5.0) < 1e-9);
    BOOST_TEST(std::abs(learning_rate(options, {0, warmup + 3}) - 10 * std::pow(.5, 1.5)) < 1e-9);
}

BOOST_AUTO_TEST_CASE(a_warm_up_in_steps_goes_with_a_budget_of_hours) {
    ScheduleOptions options = by_time(2, 0.0);
    options.warmup_steps = 4;
    BOOST_TEST(learning_rate(options, {0, 0.0}) == 0.0);
    BOOST_TEST(std::abs(learning_rate(options, {2, 0.2}) - 10 * .5 * .9) < 1e-9);
    BOOST_TEST(std::abs(learning_rate(options, {4, 0.4}) - 8.0) < 1e-9);
}

BOOST_AUTO_TEST_CASE(poly_nvidia_has_a_warm_up_in_steps_beside_hours_too) {
    ScheduleOptions options = by_time(2, 0.0);
    options.name = "poly_nvidia";
    options.warmup_steps = 4;
    BOOST_CHECK_NO_THROW(check_schedule(options));
    BOOST_TEST(learning_rate(options, {0, 0.0}) == 0.0);
    BOOST_TEST(std::abs(learning_rate(options, {2, 0.72}) - 10 * .5 * .8) < 1e-9);
    BOOST_TEST(std::abs(learning_rate(options, {4, 1.5}) - 5.0) < 1e-9);
    options.warmup_power = 2;
    BOOST_TEST(std::abs(learning_rate(options, {2, 0.72}) - 10 * .25 * .8) < 1e-9);
    options.warmup_steps = 0;
    options.warmup_proportion = 0.5;
    BOOST_TEST(std::abs(learning_rate(options, {2, 0.5}) - 10 * .25) < 1e-9);
}

BOOST_AUTO_TEST_CASE(one_cycle_goes_by_hours_too) {
    ScheduleOptions options = by_time(0.4, 0.0);
    options.name = "one_cycle";
    options.anneal = Anneal::Linear;
    BOOST_TEST(std::abs(learning_rate(options, {0, 0.0}) - 0.4) < 1e-9);
    BOOST_TEST(std::abs(learning_rate(options, {0, 0.12}) - 10.0) < 1e-9);
    BOOST_TEST(std::abs(learning_rate(options, {0, 0.4}) - 0.4e-4) < 1e-9);
}

BOOST_AUTO_TEST_CASE(a_warm_up_by_share_is_one_in_steps) {
    ScheduleOptions share = schedule("linear");
    share.warmup_steps = 0;
    share.warmup_proportion = 0.2;
    check(share, {0, 5, 10, 8.75, 7.5, 6.25, 5, 3.75, 2.5, 1.25, 0, 0}, 1e-9);
}

BOOST_AUTO_TEST_CASE(refuses_what_does_not_go_together) {
    const auto refuses = [](const ScheduleOptions& options) {
        BOOST_CHECK_THROW(check_schedule(options), UsageError);
    };
    refuses(schedule("linaer"));
    refuses(by_time(0, 0.06));
    ScheduleOptions options = schedule("linear");
    options.warmup_proportion = 0.1;  // and steps
    refuses(options);
    refuses(schedule("one_cycle"));  // with a warm-up
    options = schedule("one_cycle");
    options.warmup_steps = 0;
    options.anneal = Anneal::OneMinusSqrt;
    refuses(options);
    options = by_time(1, 0);
    options.name = "inverse_sqrt";
    refuses(options);
    options = schedule("polynomial");
    options.end = 11;
    refuses(options);
}

BOOST_AUTO_TEST_CASE(knows_which_schedules_need_an_end) {
    for (const std::string& name : schedule_names()) {
        const bool endless =
            name == "constant" || name == "inverse_sqrt" || name == "exponential" || name == "step";
        BOOST_TEST(needs_end(schedule(name)) == !endless);
    }
    ScheduleOptions share = schedule("constant");
    share.warmup_proportion = 0.1;
    BOOST_TEST(needs_end(share));
}

// The lists of Hugging Face's tests/optimization/test_optimization.py.
BOOST_AUTO_TEST_CASE(gives_the_values_of_hugging_face) {
    check(schedule("linear"), {0, 5, 10, 8.75, 7.5, 6.25, 5, 3.75, 2.5, 1.25}, 1e-9);
    check(schedule("cosine"), {0, 5, 10, 9.61, 8.53, 6.91, 5, 3.08, 1.46, .38}, 1e-2);
    ScheduleOptions restarts = schedule("cosine_restarts");
    restarts.cycles = 2;
    check(restarts, {0, 5, 10, 8.53, 5, 1.46, 10, 8.53, 5, 1.46}, 1e-2);
    ScheduleOptions polynomial = schedule("polynomial");
    polynomial.power = 2.0;
    polynomial.end = 1e-7;
    check(polynomial, {0, 5, 10, 7.656, 5.625, 3.906, 2.5, 1.406, .625, .156}, 1e-3);
    ScheduleOptions constant = schedule("constant");
    constant.warmup_steps = 4;
    check(constant, {0, 2.5, 5, 7.5, 10, 10, 10, 10, 10, 10}, 1e-9);
    check(schedule("inverse_sqrt"), {0, 5, 10, 8.165, 7.071, 6.325, 5.774, 5.345, 5, 4.714}, 1e-3);
}

BOOST_AUTO_TEST_CASE(gives_the_values_of_nvidias_two_phases) {
    const auto close = [](double a, double b) { return std::abs(a - b) <= 1e-6 * std::abs(b); };
    BOOST_TEST(close(nvidia(6e-3, .2843, 7038, 1), 2.998646e-6));
    BOOST_TEST(close(nvidia(6e-3, .2843, 7038, 2000), 5.997291e-3));
    BOOST_TEST(close(nvidia(6e-3, .2843, 7038, 2001), 5.075895e-3));
    BOOST_TEST(close(nvidia(6e-3, .2843, 7038, 4000), 3.942035e-3));
    BOOST_TEST(std::abs(nvidia(6e-3, .2843, 7038, 7037) - 7.152e-5) < 1e-8);
    BOOST_TEST(nvidia(6e-3, .2843, 7038, 7038) == 0.0);
    BOOST_TEST(close(nvidia(4e-3, .128, 1563, 200), 3.998720e-3));
    BOOST_TEST(close(nvidia(4e-3, .128, 1563, 201), 3.733955e-3));
}

BOOST_AUTO_TEST_CASE(stays_at_its_end_behind_the_last_step) {
    for (const char* name : {"linear", "cosine", "cosine_restarts", "poly_nvidia"}) {
        BOOST_TEST(std::abs(learning_rate(schedule(name), 10)) < 1e-12);
        BOOST_TEST(std::abs(learning_rate(schedule(name), 25)) < 1e-12);
    }
    ScheduleOptions polynomial = schedule("polynomial");
    polynomial.end = 0.5;
    BOOST_TEST(learning_rate(polynomial, 25) == 0.5);
}

BOOST_AUTO_TEST_CASE(starts_at_the_peak_without_a_warm_up) {
    for (const char* name : {"linear", "cosine", "constant", "polynomial", "inverse_sqrt"}) {
        ScheduleOptions options = schedule(name);
        options.warmup_steps = 0;
        BOOST_TEST(learning_rate(options, 0) == 10.0);
    }
}

BOOST_AUTO_TEST_CASE(refuses_an_unknown_name) {
    BOOST_CHECK_THROW((void)learning_rate(schedule("linaer"), 1), UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
