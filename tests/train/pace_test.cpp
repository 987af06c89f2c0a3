#include "train/pace.h"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <vector>

using namespace hpml;

namespace {

namespace tt = boost::test_tools;

/// What kStepsOfPace steps come to in which rank r needs `seconds(r)` each; asserts only after the
/// collective.
std::optional<train::PaceReport> report_of(train::Pace& pace, Seconds own) {
    std::vector<bool> early;
    std::optional<train::PaceReport> report;
    for (int step = 1; step <= train::kStepsOfPace; ++step) {
        report = pace.add(own);
        early.push_back(step < train::kStepsOfPace && report.has_value());
    }
    for (const bool is_early : early) {
        BOOST_TEST(!is_early);
    }
    return report;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pace_suite)

BOOST_AUTO_TEST_CASE(every_rank_learns_the_time_of_each_rank) {
    const auto ranks = mpi::Communicator::world();
    const int here = ranks.rank().value;
    const int last = ranks.size() - 1;
    train::Pace pace(ranks);
    const auto first = report_of(pace, Seconds(0.1 * (here + 1)));
    const auto second = report_of(pace, Seconds(0.1 * (last - here + 1)));
    if (ranks.size() == 1) {
        BOOST_TEST(!first.has_value());
        return;
    }
    BOOST_TEST_REQUIRE((first && second));
    BOOST_TEST_REQUIRE(first->steps.size() == static_cast<std::size_t>(ranks.size()));
    BOOST_TEST_REQUIRE(second->steps.size() == first->steps.size());
    for (int rank = 0; rank <= last; ++rank) {
        BOOST_TEST(first->step_of(Rank(rank)).value == 0.1 * (rank + 1), tt::tolerance(1e-9));
        BOOST_TEST(second->step_of(Rank(rank)).value == 0.1 * (last - rank + 1),
                   tt::tolerance(1e-9));
    }
    BOOST_TEST(first->slowest.value == last);
    BOOST_TEST(first->fastest.value == 0);
    BOOST_TEST(second->slowest.value == 0);
    BOOST_TEST(second->fastest.value == last);
    BOOST_TEST(first->slowest_step().value == 0.1 * ranks.size(), tt::tolerance(1e-9));
    BOOST_TEST(first->fastest_step().value == 0.1, tt::tolerance(1e-9));
    const int half = (ranks.size() + 1) / 2;
    BOOST_TEST(first->typical_step.value == 0.1 * half, tt::tolerance(1e-9));
    BOOST_TEST(!first->host.empty());
}

BOOST_AUTO_TEST_CASE(a_rank_lags_that_needs_half_as_long_again_as_half_of_the_ranks) {
    const auto ranks = mpi::Communicator::world();
    const bool is_last = ranks.rank().value == ranks.size() - 1;
    train::Pace pace(ranks);
    const auto close = report_of(pace, Seconds(is_last ? 0.14 : 0.1));
    const auto far = report_of(pace, Seconds(is_last ? 0.16 : 0.1));
    if (ranks.size() > 1) {
        BOOST_TEST_REQUIRE((close && far));
        BOOST_TEST(!close->lags);
        BOOST_TEST(far->lags);
    }
}

BOOST_AUTO_TEST_SUITE_END()
