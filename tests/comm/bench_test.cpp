#include "comm/bench.h"

#include <boost/test/unit_test.hpp>

#include "base/error.h"

using namespace hpml;

BOOST_AUTO_TEST_SUITE(bench_suite)

BOOST_AUTO_TEST_CASE(every_algorithm_is_measured_and_verified_at_every_size) {
    const auto ranks = mpi::Communicator::world();
    comm::AllReduceBenchOptions options;
    options.smallest = Bytes(8);
    options.largest = Bytes(40000);
    options.time_per_size = Seconds(0.01);
    const auto rows = comm::run_all_reduce_bench(ranks, options);
    BOOST_TEST(rows.size() == 2U * 5U);
    for (const auto& row : rows) {
        BOOST_TEST(row.wrong_sums == 0U);
        BOOST_TEST(row.iterations >= options.least_iterations);
        BOOST_TEST(row.median.value > 0);
        BOOST_TEST((row.algorithm != "mpi" || row.ratio == 1.0));
    }
    BOOST_TEST(rows.front().size.value == 8U);
    BOOST_TEST(rows.back().size.value == 32768U);
    const auto json = comm::to_json(rows);
    BOOST_TEST(json.size() == rows.size());
    BOOST_TEST(json.back().at("bytes").get<std::uint64_t>() == 32768U);
    const auto table = comm::to_table(rows);
    BOOST_TEST(table.find("32 KiB  ring") != std::string::npos, table);
}

BOOST_AUTO_TEST_CASE(a_bench_without_its_reference_or_without_sizes_is_refused) {
    const mpi::Communicator alone;
    comm::AllReduceBenchOptions options;
    options.reference = "nccl";
    BOOST_CHECK_THROW(static_cast<void>(comm::run_all_reduce_bench(alone, options)), UsageError);
    options = {};
    options.largest = Bytes(2);
    BOOST_CHECK_THROW(static_cast<void>(comm::run_all_reduce_bench(alone, options)), UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
