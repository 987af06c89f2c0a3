#include "comm/calibrate.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <iterator>
#include <span>

#include "base/clock.h"

using namespace hpml;

namespace {

void check_alike_on_all(const mpi::Communicator& ranks, const comm::CostConstants& constants) {
    double values[] = {constants.network_alpha, constants.network_beta, constants.message_overhead,
                       constants.shared_alpha,  constants.shared_beta,  constants.sum_beta};
    double most[6];
    std::copy(std::begin(values), std::end(values), std::begin(most));
    ranks.max(std::span(most));
    for (std::size_t i = 0; i < 6; ++i) {
        BOOST_TEST(values[i] == most[i]);
        BOOST_TEST(values[i] >= 0);
        BOOST_TEST(values[i] < 1);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(calibrate_suite)

BOOST_AUTO_TEST_CASE(what_ranks_of_one_node_cannot_measure_keeps_its_default) {
    const auto ranks = mpi::Communicator::world();
    const auto found = comm::calibrate(ranks, ranks.split_by_node(), Seconds(0.1));
    check_alike_on_all(ranks, found.constants);
    BOOST_TEST(found.topology.ranks == ranks.size());
    BOOST_TEST(found.topology.nodes == 1);
    BOOST_TEST(!found.has_network);
    BOOST_TEST(found.has_node == (ranks.size() > 1));
    BOOST_TEST(found.constants.network_beta == comm::CostConstants().network_beta);
    BOOST_TEST(found.constants.sum_beta != comm::CostConstants().sum_beta);
}

BOOST_AUTO_TEST_CASE(ranks_that_count_as_nodes_of_their_own_measure_what_is_between_them) {
    const auto ranks = mpi::Communicator::world();
    const Stopwatch watch;
    const auto found = comm::calibrate(ranks, mpi::Communicator(), Seconds(0.2));
    const double seconds = watch.elapsed().value;
    check_alike_on_all(ranks, found.constants);
    BOOST_TEST(found.topology.nodes == ranks.size());
    BOOST_TEST(found.has_network == (ranks.size() > 1));
    BOOST_TEST(!found.has_node);
    // Far above the budget, and far below a hang: other tests run beside this one.
    BOOST_TEST(seconds < 20);
}

BOOST_AUTO_TEST_CASE(ranks_beyond_the_first_nodes_take_part_in_the_outcome) {
    const auto ranks = mpi::Communicator::world();
    const auto node = ranks.split(ranks.rank().value / 2);
    const auto found = comm::calibrate(ranks, node, Seconds(0.1));
    check_alike_on_all(ranks, found.constants);
    BOOST_TEST(found.topology.nodes == (ranks.size() + 1) / 2);
    BOOST_TEST(found.has_node == (ranks.size() > 1));
}

BOOST_AUTO_TEST_SUITE_END()
