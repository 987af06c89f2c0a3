#include "optim/schedule.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "base/error.h"

using namespace hpml;
using namespace hpml::optim;

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

}  // namespace

BOOST_AUTO_TEST_SUITE(schedule_suite)

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
