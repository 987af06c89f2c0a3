#include "comm/simulate.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"

using namespace hpml;
using comm::Cost;
using comm::Method;
using comm::Schedule;
using comm::Topology;

namespace {

const auto kExact = boost::test_tools::tolerance(1e-12);

/// One second of link for each byte, and the given latency and work of the node.
auto link_seconds(double latency = 0, double node = 0) {
    return [=](Bytes size) { return Cost{latency, node, static_cast<double>(size.value)}; };
}

comm::SimulatedStep run(const Schedule& schedule, double backward,
                        const std::function<Cost(Bytes)>& cost, std::size_t most_under_way = 2) {
    return comm::simulate_step(schedule, {1, backward, 0.5}, cost, most_under_way);
}

comm::Workload workload() {
    comm::Workload work;
    work.forward = 0.01;
    work.backward = 0.02;
    work.update = 0.005;
    work.micro_batch = 4;
    work.plans = {{mib(1), {{mib(1), 0.25}, {mib(1), 0.5}, {mib(2), 1}}}, {mib(4), {{mib(4), 1}}}};
    return work;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(simulate_suite)

BOOST_AUTO_TEST_CASE(a_bucket_that_is_ready_early_hides_behind_the_rest_of_the_pass) {
    // Ready at 2 and 8 of 10 seconds: the first takes 2..5, the second 8..12.
    const auto step = run({{Bytes(3), 0.2}, {Bytes(4), 0.8}}, 10, link_seconds());
    BOOST_TEST(step.exposed == 2.0, kExact);
    BOOST_TEST(step.seconds == 1 + 10 + 0.5 + 2, kExact);
    BOOST_TEST(step.all_reduce == 7.0, kExact);
}

BOOST_AUTO_TEST_CASE(buckets_that_wait_for_the_link_leave_in_their_order) {
    // 5 of 10 seconds: 5..9, then 9..11, then 11..14.
    const auto step = run({{Bytes(4), 0.5}, {Bytes(2), 0.5}, {Bytes(3), 1}}, 10, link_seconds());
    BOOST_TEST(step.exposed == 4.0, kExact);
    BOOST_TEST(step.all_reduce == 9.0, kExact);
}

BOOST_AUTO_TEST_CASE(two_under_way_hide_each_others_latency_and_one_cannot) {
    const Schedule three = {{Bytes(4), 0}, {Bytes(4), 0}, {Bytes(4), 0}};
    // The third starts when the first ends at 5: its second of latency passes under the second's 4.
    BOOST_TEST(run(three, 0, link_seconds(1)).exposed == 1.0 + 3 * 4, kExact);
    BOOST_TEST(run(three, 0, link_seconds(1), 1).exposed == 3 * (1.0 + 4), kExact);
}

BOOST_AUTO_TEST_CASE(the_node_works_for_one_bucket_while_the_link_carries_another) {
    const Schedule two = {{Bytes(4), 0}, {Bytes(4), 0}};
    BOOST_TEST(run(two, 0, link_seconds(0, 3)).exposed == 3.0 + 2 * 4, kExact);
    BOOST_TEST(run(two, 0, link_seconds(0, 5)).exposed == 2.0 * 5 + 4, kExact);
}

BOOST_AUTO_TEST_CASE(nothing_to_send_costs_nothing) {
    BOOST_TEST(run({}, 10, link_seconds()).exposed == 0.0);
    BOOST_TEST(run({{Bytes(0), 1}}, 10, link_seconds()).seconds == 11.5);
}

BOOST_AUTO_TEST_CASE(only_the_last_micro_batch_hides_communication) {
    const comm::Workload work = workload();
    const auto whole = comm::compute_of(work, 8);
    BOOST_TEST(whole.before == 8 * 0.01 + 4 * 0.02, kExact);
    BOOST_TEST(whole.backward == 4 * 0.02, kExact);
    BOOST_TEST(whole.total() == 8 * 0.03 + 0.005, kExact);
    const auto cut = comm::compute_of(work, 5);
    BOOST_TEST(cut.backward == 1 * 0.02, kExact);
    BOOST_TEST(cut.total() == 5 * 0.03 + 0.005, kExact);
}

BOOST_AUTO_TEST_CASE(a_step_is_never_shorter_than_what_it_computes_or_sends) {
    const comm::Workload work = workload();
    const auto compute = comm::compute_of(work, 4);
    for (const Topology topology : {Topology{1, 1}, Topology{4, 1}, Topology{4, 4}, Topology{64, 8},
                                    Topology{100000, 12500}}) {
        for (const comm::Way& way : comm::sweep(work, compute, topology, {})) {
            BOOST_TEST(way.step.exposed >= 0);
            BOOST_TEST(way.step.exposed <= way.step.all_reduce * (1 + 1e-12));
            BOOST_TEST(way.step.seconds >= compute.total() * (1 - 1e-12));
            BOOST_TEST(way.step.seconds >= way.step.all_reduce);
            BOOST_TEST((topology.ranks > 1) == (way.step.all_reduce > 0));
        }
    }
}

BOOST_AUTO_TEST_CASE(more_bandwidth_never_makes_a_step_longer) {
    const comm::Workload work = workload();
    const auto compute = comm::compute_of(work, 4);
    comm::CostConstants constants;
    constants.network_beta = 1e-7;
    double before = 1e9;
    for (int i = 0; i < 12; ++i, constants.network_beta /= 2) {
        const auto ways = comm::sweep(work, compute, {32, 16}, constants);
        const double best = comm::best_of(ways).step.seconds;
        BOOST_TEST(best <= before);
        before = best;
    }
}

BOOST_AUTO_TEST_CASE(a_sweep_tries_every_plan_with_every_method_and_with_the_choice) {
    const comm::Workload work = workload();
    const auto compute = comm::compute_of(work, 4);
    const auto ways = comm::sweep(work, compute, {16, 4}, {});
    BOOST_TEST(ways.size() == 2 * (comm::methods_of({16, 4}).size() + 1));
    const comm::Way& best = comm::best_of(ways);
    for (const comm::Way& way : ways) {
        BOOST_TEST(best.step.seconds <= way.step.seconds);
    }
    BOOST_TEST(comm::methods_of({16, 16}).size() == 3U);
    BOOST_TEST((comm::methods_of({1, 1}) == std::vector{Method::Identity}));
}

BOOST_AUTO_TEST_CASE(what_no_plan_can_do_is_our_bug) {
    BOOST_CHECK_THROW((void)comm::best_of({}), InternalError);
    BOOST_CHECK_THROW((void)comm::compute_of(workload(), 0), InternalError);
    BOOST_CHECK_THROW((void)run({}, 1, link_seconds(), 0), InternalError);
}

BOOST_AUTO_TEST_SUITE_END()
