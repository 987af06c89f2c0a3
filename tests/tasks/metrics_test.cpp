#include "tasks/metrics.h"

#include <array>
#include <boost/test/unit_test.hpp>
#include <vector>

#include "base/error.h"

using namespace hpml;
using tasks::accuracy;
using tasks::f1_score;
using tasks::matthews_correlation;
using tasks::pearson_correlation;
using tasks::spearman_correlation;

namespace {

// The expected numbers below are scikit-learn 1.x's and SciPy's for exactly these vectors.
constexpr std::array<std::int64_t, 12> kCalled{1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0};
constexpr std::array<std::int64_t, 12> kPresent{1, 0, 0, 1, 1, 1, 0, 1, 1, 0, 1, 0};
constexpr std::array<double, 8> kScores{2.5, 2.5, 0.1, 4.9, 3.3, 2.5, 1.0, 3.3};
constexpr std::array<double, 8> kTruth{3.0, 2.0, 0.0, 5.0, 3.0, 2.0, 1.4, 4.6};

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_suite)

BOOST_AUTO_TEST_CASE(class_scores_equal_those_of_scikit_learn) {
    BOOST_TEST(accuracy(kCalled, kPresent) == 0.6666666666666666,
               boost::test_tools::tolerance(1e-15));
    BOOST_TEST(f1_score(kCalled, kPresent) == 0.7142857142857143,
               boost::test_tools::tolerance(1e-15));
    BOOST_TEST(matthews_correlation(kCalled, kPresent) == 0.3142857142857143,
               boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(correlations_equal_those_of_scipy_with_ties_on_both_sides) {
    BOOST_TEST(pearson_correlation(kScores, kTruth) == 0.9296374405856658,
               boost::test_tools::tolerance(1e-14));
    BOOST_TEST(spearman_correlation(kScores, kTruth) == 0.9504755800871905,
               boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(spearman_sees_the_order_only) {
    const std::vector<double> cubes{-8, -1, 0, 1, 27, 1000};
    const std::vector<double> falling{5, 4, 3, 2, 1, 0};
    BOOST_TEST(spearman_correlation(cubes, falling) == -1.0, boost::test_tools::tolerance(1e-15));
    BOOST_TEST(pearson_correlation(cubes, falling) > -0.8);
}

BOOST_AUTO_TEST_CASE(a_model_that_says_the_same_everywhere_correlates_with_nothing) {
    const std::vector<std::int64_t> ones(kPresent.size(), 1);
    BOOST_TEST(matthews_correlation(ones, kPresent) == 0.0);
    // The mean of these rounds to something else than 0.1.
    const std::vector<double> constant(kTruth.size(), 0.1);
    BOOST_TEST(pearson_correlation(constant, kTruth) == 0.0);
    BOOST_TEST(spearman_correlation(constant, kTruth) == 0.0);
}

BOOST_AUTO_TEST_CASE(f1_without_any_positive_is_zero) {
    const std::vector<std::int64_t> zeros(5, 0);
    BOOST_TEST(f1_score(zeros, zeros) == 0.0);
    BOOST_TEST(accuracy(zeros, zeros) == 1.0);
}

BOOST_AUTO_TEST_CASE(scores_of_nothing_are_refused) {
    const std::vector<std::int64_t> none;
    BOOST_CHECK_THROW(static_cast<void>(accuracy(none, none)), InternalError);
    const std::vector<std::int64_t> one{1};
    BOOST_CHECK_THROW(static_cast<void>(f1_score(one, kPresent)), InternalError);
}

BOOST_AUTO_TEST_SUITE_END()
