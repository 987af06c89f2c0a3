#include "comm/bench.h"

#include <boost/test/unit_test.hpp>
#include <set>

#include "base/error.h"

using namespace hpml;

BOOST_AUTO_TEST_SUITE(bench_suite)

BOOST_AUTO_TEST_CASE(every_way_is_measured_and_verified_at_every_size) {
    const auto ranks = mpi::Communicator::world();
    comm::AllReduceBenchOptions options;
    options.smallest = Bytes(8);
    options.largest = Bytes(40000);
    options.time_per_size = Seconds(0.01);
    const auto report = comm::run_all_reduce_bench(ranks, options);
    // Six algorithms, one of them also in foreign memory, and three ways of MPI.
    BOOST_TEST(report.obstacles.empty());
    BOOST_TEST(report.rows.size() == 10U * 5U);
    std::set<std::string> ways;
    for (const auto& row : report.rows) {
        ways.insert(row.way);
        BOOST_TEST(row.wrong_sums == 0U, row.way);
        BOOST_TEST(row.iterations >= options.least_iterations);
        BOOST_TEST(row.median.value > 0);
        BOOST_TEST(row.ratios.size() == 10U);
        BOOST_TEST(row.ratios.at(row.way) == 1.0);
    }
    BOOST_TEST(ways.size() == 10U);
    BOOST_TEST(report.rows.front().size.value == 8U);
    BOOST_TEST(report.rows.back().size.value == 32768U);
    BOOST_TEST(report.memory_gigabytes > 0);
    const auto json = comm::to_json(report);
    BOOST_TEST(json.at("rows").size() == report.rows.size());
    BOOST_TEST(json.at("rows").back().at("bytes").get<std::uint64_t>() == 32768U);
    const auto table = comm::to_table(report);
    BOOST_TEST(table.find("32 KiB  shm foreign") != std::string::npos, table);
}

BOOST_AUTO_TEST_CASE(elastic_sums_are_measured_beside_their_algorithm) {
    comm::AllReduceBenchOptions options;
    options.algorithms = {"ring"};
    options.compare_mpi = false;
    options.elastic = true;
    options.largest = Bytes(4096);
    options.time_per_size = Seconds(0.01);
    const auto report = comm::run_all_reduce_bench(mpi::Communicator::world(), options);
    BOOST_TEST_REQUIRE(report.rows.size() == 2U * 4U);
    BOOST_TEST(report.rows.back().way == "ring elastic");
    for (const auto& row : report.rows) {
        BOOST_TEST(row.wrong_sums == 0U, row.way << " of " << row.size.value << " bytes");
    }
}

BOOST_AUTO_TEST_CASE(only_the_algorithms_that_are_asked_for_are_measured) {
    const auto ranks = mpi::Communicator::world();
    comm::AllReduceBenchOptions options;
    options.algorithms = {"ring"};
    options.compare_mpi = false;
    options.largest = Bytes(8);
    options.time_per_size = Seconds(0.01);
    const auto report = comm::run_all_reduce_bench(ranks, options);
    BOOST_TEST_REQUIRE(report.rows.size() == 1U);
    BOOST_TEST(report.rows[0].way == "ring");
}

BOOST_AUTO_TEST_CASE(a_bench_of_nothing_is_refused) {
    const mpi::Communicator alone;
    comm::AllReduceBenchOptions options;
    options.algorithms = {"rign"};
    BOOST_CHECK_THROW(static_cast<void>(comm::run_all_reduce_bench(alone, options)), UsageError);
    options = {};
    options.largest = Bytes(2);
    BOOST_CHECK_THROW(static_cast<void>(comm::run_all_reduce_bench(alone, options)), UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
