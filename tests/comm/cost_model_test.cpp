#include "comm/cost_model.h"

#include <boost/test/unit_test.hpp>

using namespace hpml;
using comm::Method;
using comm::Topology;

namespace {

double seconds(Method method, double mebibytes, const Topology& topology) {
    return comm::predict(method, mib(mebibytes), topology);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cost_model_suite)

BOOST_AUTO_TEST_CASE(one_rank_needs_nothing_and_one_node_its_shared_memory) {
    BOOST_TEST((comm::choose(mib(64), {1, 1}) == Method::Identity));
    BOOST_TEST((comm::choose(Bytes(8), {4, 1}) == Method::Shm));
    BOOST_TEST((comm::choose(mib(64), {4, 1}) == Method::Shm));
}

BOOST_AUTO_TEST_CASE(between_nodes_short_buffers_double_and_long_ones_ride_in_lanes) {
    for (const Topology topology : {Topology{16, 4}, Topology{64, 8}, Topology{48, 3}}) {
        BOOST_TEST((comm::choose(Bytes(8), topology) == Method::RecursiveDoubling));
        BOOST_TEST((comm::choose(mib(25), topology) == Method::Hierarchical));
    }
    // Without a second rank on a node there are no lanes to share: the ring is as good.
    BOOST_TEST((comm::choose(mib(25), {4, 4}) == Method::Ring));
}

BOOST_AUTO_TEST_CASE(the_ring_costs_what_its_formula_says) {
    comm::CostConstants constants;
    constants.network_alpha = 1e-3;
    constants.network_beta = 1e-9;
    // 2 (N-1) alpha + 2 (N-1) / N S beta, N = 4, S = 10^6
    const double expected = 6e-3 + 1.5 * 1e6 * 1e-9;
    BOOST_TEST(comm::predict(Method::Ring, Bytes(1000000), {4, 4}, constants) == expected,
               boost::test_tools::tolerance(1e-12));
    BOOST_TEST(comm::predict(Method::RecursiveDoubling, Bytes(1000000), {4, 4}, constants) ==
                   2 * (1e-3 + 1e-3),
               boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(more_bytes_never_take_less_time) {
    for (const Method method : {Method::Ring, Method::RecursiveDoubling, Method::Hierarchical}) {
        double before = 0;
        for (double size = 0.001; size < 1000; size *= 2) {
            const double now = seconds(method, size, {32, 4});
            BOOST_TEST(now > before);
            before = now;
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
