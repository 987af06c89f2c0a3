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

BOOST_AUTO_TEST_CASE(each_method_costs_what_its_formula_says) {
    comm::CostConstants constants;
    constants.network_alpha = 1e-3;
    constants.network_beta = 1e-9;
    constants.message_overhead = 1e-5;
    constants.shared_alpha = 1e-6;
    constants.shared_beta = 1e-10;
    constants.sum_beta = 2e-10;
    const Bytes size(1000000);
    const auto cost = [&](Method method, const Topology& topology) {
        return comm::cost_of(method, size, topology, constants);
    };
    const auto check = [](const comm::Cost& cost, double latency, double node, double link) {
        const auto tolerance = boost::test_tools::tolerance(1e-12);
        BOOST_TEST(cost.latency == latency, tolerance);
        BOOST_TEST(cost.node == node, tolerance);
        BOOST_TEST(cost.link == link, tolerance);
    };
    // 2 (N-1) alpha + 2 (N-1) / N S beta, N = 4; of the additions the last segment of a step.
    check(cost(Method::Ring, {4, 4}), 6e-3, 3 * 60 * 1024 * 2e-10, 1.5 * 1e6 * 1e-9);
    // Two rounds of the whole buffer, added when it is there.
    check(cost(Method::RecursiveDoubling, {4, 4}), 2e-3, 2 * 1e6 * 2e-10, 2 * 1e6 * 1e-9);
    // Three messages at once, twice; three quarters are added.
    check(cost(Method::TwoShot, {4, 4}), 2 * (1e-3 + 2e-5), 0.75 * 1e6 * 2e-10, 1.5 * 1e6 * 1e-9);
    // Two ranks of a node send half of each buffer to the other node, over one link.
    check(cost(Method::TwoShot, {4, 2}), 2 * (1e-3 + 2e-5),
          0.75 * 1e6 * 2e-10 + 2 * 0.25 * 1e6 * 2e-10, 2 * 2 * 0.5 * 1e6 * 1e-9);
    // Two lanes of half a buffer each around two nodes.
    check(cost(Method::Hierarchical, {4, 2}), 2e-6 + 2e-3, 2 * 1e6 * 1e-10 + 60 * 1024 * 2e-10,
          1e6 * 1e-9);
    check(cost(Method::Shm, {4, 1}), 2e-6, 2 * 1e6 * 1e-10, 0);
}

BOOST_AUTO_TEST_CASE(long_buffers_within_a_node_are_fastest_in_its_shared_memory) {
    for (const int ranks : {2, 3, 8, 64}) {
        for (const Method method : {Method::Ring, Method::RecursiveDoubling, Method::TwoShot}) {
            for (double size = 0.25; size < 300; size *= 4) {
                BOOST_TEST(seconds(Method::Shm, size, {ranks, 1}) <=
                           seconds(method, size, {ranks, 1}));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_second_link_serves_lanes_and_not_the_ring) {
    comm::CostConstants constants;
    const Topology topology{16, 4};
    const auto link = [&](Method method) {
        return comm::cost_of(method, mib(64), topology, constants).link;
    };
    const double ring = link(Method::Ring);
    const double lanes = link(Method::Hierarchical);
    const double two_shot = link(Method::TwoShot);
    constants.links = 2;
    BOOST_TEST(link(Method::Ring) == ring);
    BOOST_TEST(link(Method::Hierarchical) == lanes / 2, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(link(Method::TwoShot) == two_shot / 2, boost::test_tools::tolerance(1e-12));
    constants.links = 100;
    BOOST_TEST(link(Method::Hierarchical) == lanes / 4, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(one_rank_costs_nothing_whatever_the_method) {
    for (const Method method : {Method::Identity, Method::Ring, Method::RecursiveDoubling,
                                Method::Hierarchical, Method::TwoShot, Method::Shm}) {
        BOOST_TEST(comm::predict(method, mib(1), {1, 1}) == 0.0);
    }
}

BOOST_AUTO_TEST_CASE(more_bytes_never_take_less_time) {
    for (const Method method :
         {Method::Ring, Method::RecursiveDoubling, Method::Hierarchical, Method::TwoShot}) {
        double before = 0;
        for (double size = 0.001; size < 1000; size *= 2) {
            const double now = seconds(method, size, {32, 4});
            BOOST_TEST(now > before);
            before = now;
        }
    }
}

BOOST_AUTO_TEST_CASE(a_faster_cluster_never_takes_more_time) {
    const comm::CostConstants slow;
    for (double comm::CostConstants::*constant :
         {&comm::CostConstants::network_alpha, &comm::CostConstants::network_beta,
          &comm::CostConstants::message_overhead, &comm::CostConstants::shared_alpha,
          &comm::CostConstants::shared_beta, &comm::CostConstants::sum_beta}) {
        comm::CostConstants fast = slow;
        fast.*constant /= 2;
        for (const Method method :
             {Method::Ring, Method::RecursiveDoubling, Method::Hierarchical, Method::TwoShot}) {
            for (const Topology topology : {Topology{3, 3}, Topology{8, 1}, Topology{48, 6}}) {
                BOOST_TEST(comm::predict(method, mib(8), topology, fast) <=
                           comm::predict(method, mib(8), topology, slow));
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
