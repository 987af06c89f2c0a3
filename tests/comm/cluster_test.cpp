#include "comm/cluster.h"

#include <boost/test/unit_test.hpp>
#include <functional>

#include "base/error.h"
#include "comm/scaling.h"

using namespace hpml;
using comm::Cluster;

namespace {

Json whole_file() {
    return parse_json(R"({"name": "two racks", "ranks_per_node": 4,
        "network": {"latency_seconds": 1e-5, "bytes_per_second": 1073741824.0, "message_seconds": 3e-6,
                    "links_per_node": 2},
        "node": {"latency_seconds": 2e-6, "bytes_per_second": 17179869184.0,
                 "sum_bytes_per_second": 8589934592.0},
        "compute": {"forward_seconds": 0.1, "backward_seconds": 0.2, "update_seconds": 0.01}})",
                      "test");
}

/// What the reader says about a file that was changed so.
std::string refusal(const std::function<void(Json&)>& change) {
    Json json = whole_file();
    change(json);
    try {
        static_cast<void>(comm::cluster_from_json(json, "c.json"));
    } catch (const InputError& error) {
        return error.what();
    }
    return "nothing was wrong";
}

comm::SimulationReport simulation(int ranks) {
    comm::Workload work;
    work.forward = 0.01;
    work.backward = 0.02;
    work.plans = {{mib(1), {{mib(1), 0.5}, {mib(3), 1}}}, {mib(25), {{mib(4), 1}}}};
    return comm::simulate(comm::cluster_from_json(whole_file(), "c.json"), work,
                          {.ranks = ranks, .sequences_per_rank = 8, .sequence_length = 128});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cluster_suite)

BOOST_AUTO_TEST_CASE(a_cluster_file_says_what_the_model_needs) {
    const Cluster cluster = comm::cluster_from_json(whole_file(), "c.json");
    BOOST_TEST(cluster.name == "two racks");
    BOOST_TEST(cluster.ranks_per_node == 4);
    BOOST_TEST(cluster.constants.network_alpha == 1e-5);
    BOOST_TEST(cluster.constants.network_beta == 1 / 1073741824.0);
    BOOST_TEST(cluster.constants.message_overhead == 3e-6);
    BOOST_TEST(cluster.constants.links == 2);
    BOOST_TEST(cluster.constants.shared_alpha == 2e-6);
    BOOST_TEST(cluster.constants.shared_beta == 1 / 17179869184.0);
    BOOST_TEST(cluster.constants.sum_beta == 1 / 8589934592.0);
    BOOST_TEST_REQUIRE(cluster.compute.has_value());
    BOOST_TEST(cluster.compute->backward_seconds == 0.2);
    BOOST_TEST(comm::to_json(cluster) == whole_file());
}

BOOST_AUTO_TEST_CASE(what_may_be_left_out_may_be_left_out) {
    Json json = whole_file();
    json.erase("name");
    json.erase("network");
    json.erase("compute");
    const Cluster cluster = comm::cluster_from_json(json, "c.json");
    BOOST_TEST(cluster.name == "c.json");
    BOOST_TEST(!cluster.has_network);
    BOOST_TEST(!cluster.compute.has_value());
    BOOST_TEST(comm::topology_of(cluster, 3).nodes == 1);
    BOOST_CHECK_THROW((void)comm::topology_of(cluster, 8), InputError);
    json["compute"] = {{"flops_per_second", 1e12}};
    const Cluster rated = comm::cluster_from_json(json, "c.json");
    BOOST_TEST_REQUIRE(rated.compute.has_value());
    BOOST_TEST(rated.compute->flops_per_second == 1e12);
}

BOOST_AUTO_TEST_CASE(a_bad_file_is_refused_by_name_key_and_what_is_allowed) {
    const auto says = [](const std::string& message, const std::string& word) {
        BOOST_TEST(message.find("c.json") != std::string::npos, message);
        BOOST_TEST(message.find(word) != std::string::npos, message);
    };
    says(refusal([](Json& json) { json.erase("ranks_per_node"); }), "'ranks_per_node'");
    says(refusal([](Json& json) { json["ranks_per_node"] = 0; }), "1 to 4096");
    says(refusal([](Json& json) { json["ranks_per_node"] = 2.5; }), "whole number");
    says(refusal([](Json& json) { json["ranks_per_nodes"] = 2; }), "'ranks_per_nodes'");
    says(refusal([](Json& json) { json["network"]["bandwidth"] = 1; }), "bytes_per_second");
    says(refusal([](Json& json) { json["network"]["bytes_per_second"] = 0; }), "above 0");
    says(refusal([](Json& json) { json["network"]["bytes_per_second"] = "1e9"; }), "a number");
    says(refusal([](Json& json) { json["network"]["latency_seconds"] = -1; }), "latency_seconds");
    says(refusal([](Json& json) { json["network"]["links_per_node"] = 65; }), "1 to 64");
    says(refusal([](Json& json) { json["node"].erase("sum_bytes_per_second"); }),
         "'sum_bytes_per_second'");
    says(refusal([](Json& json) { json.erase("node"); }), "'node'");
    says(refusal([](Json& json) { json["node"] = 7; }), "not an object");
    says(refusal([](Json& json) { json["name"] = 7; }), "'name'");
    says(refusal([](Json& json) { json["compute"]["flops_per_second"] = 1e12; }), "either");
    says(refusal([](Json& json) { json["compute"].erase("backward_seconds"); }),
         "'backward_seconds'");
    says(refusal([](Json& json) { json = Json::array(); }), "not an object");
}

BOOST_AUTO_TEST_CASE(ranks_fill_node_after_node) {
    const Cluster cluster = comm::cluster_from_json(whole_file(), "c.json");
    BOOST_TEST(comm::topology_of(cluster, 4).nodes == 1);
    BOOST_TEST(comm::topology_of(cluster, 8).nodes == 2);
    BOOST_CHECK_THROW((void)comm::topology_of(cluster, 6), UsageError);
    BOOST_TEST(comm::rank_counts(cluster, 1) == (std::vector{1}), boost::test_tools::per_element());
    BOOST_TEST(comm::rank_counts(cluster, 2) == (std::vector{1, 2}),
               boost::test_tools::per_element());
    BOOST_TEST(comm::rank_counts(cluster, 24) == (std::vector{1, 2, 4, 8, 16, 24}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_rank_is_as_efficient_as_one_rank_and_many_are_less) {
    const auto report = simulation(64);
    BOOST_TEST(report.weak.front().efficiency == 1.0, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(report.strong.front().efficiency == 1.0, boost::test_tools::tolerance(1e-12));
    for (const auto* rows : {&report.weak, &report.strong}) {
        for (const comm::ScalingRow& row : *rows) {
            BOOST_TEST(row.efficiency > 0);
            BOOST_TEST(row.efficiency <= 1 + 1e-12);
        }
    }
    // The same work for each rank at the largest number of ranks, by definition.
    BOOST_TEST(report.weak.back().best.step.seconds == report.strong.back().best.step.seconds);
    BOOST_TEST(report.result.best.step.seconds == report.weak.back().best.step.seconds);
    BOOST_TEST(report.strong.front().sequences == 8 * 64);
}

BOOST_AUTO_TEST_CASE(a_simulation_reads_as_a_table_and_as_json) {
    const auto report = simulation(8);
    const std::string table = comm::to_table(report);
    for (const char* words : {"two racks: 8 ranks on 2 nodes", "exposed communication",
                              "hierarchical", "weak scaling", "strong scaling: 64 sequences"}) {
        BOOST_TEST(table.find(words) != std::string::npos, table);
    }
    const Json json = comm::to_json(report);
    BOOST_TEST(json.at("ranks").get<int>() == 8);
    BOOST_TEST(json.at("step_seconds").get<double>() == report.result.best.step.seconds);
    BOOST_TEST(json.at("sweep").size() == report.ways.size());
    BOOST_TEST(json.at("weak_scaling").size() == 4U);
    BOOST_TEST(json.at("strong_scaling").size() == 4U);
    BOOST_TEST(json.at("predictions").back().at("seconds").at("ring").get<double>() ==
               comm::predict(comm::Method::Ring, mib(256), {8, 2}, report.cluster.constants));
    BOOST_TEST(json.at("cluster") == whole_file());
}

BOOST_AUTO_TEST_SUITE_END()
