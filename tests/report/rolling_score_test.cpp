#include "report/rolling_score.h"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

using namespace hpml;

BOOST_AUTO_TEST_SUITE(rolling_score_suite)

BOOST_AUTO_TEST_CASE(the_score_is_the_deviation_from_the_values_before) {
    RollingScore score(4, 2);
    BOOST_TEST(!score.add(1).has_value());
    BOOST_TEST(!score.add(3).has_value());
    // Mean 2, deviation 1.
    BOOST_TEST(score.add(5).value() == 3.0);
    // Of 1, 3, 5: mean 3, deviation sqrt(8 / 3).
    BOOST_TEST(std::abs(score.add(1).value() + 2 / std::sqrt(8.0 / 3)) < 1e-12);
    // The first 1 has left: of 3, 5, 1, 7 the mean is 4.
    (void)score.add(7);
    BOOST_TEST(std::abs(score.add(4).value()) < 1e-12);
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_or_never_changes_has_no_score) {
    RollingScore score(10, 2);
    (void)score.add(2);
    (void)score.add(2);
    BOOST_TEST(!score.add(3).has_value());
    BOOST_TEST(!score.add(std::numeric_limits<double>::quiet_NaN()).has_value());
    BOOST_TEST(std::isfinite(score.add(2).value()));
}

BOOST_AUTO_TEST_SUITE_END()
