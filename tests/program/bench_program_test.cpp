// hpml_bench: its --json files parse and hold numbers that can be true.

#include <boost/test/unit_test.hpp>
#include <set>

#include "base/json.h"
#include "program/refusal.h"
#include "program/sample.h"

using namespace hpml;
using namespace hpml::test;

namespace {

struct Fixture {
    ScratchFolder folder{"bench"};

    /// Run it with --json behind. @return what stands in the file
    [[nodiscard]] Json bench(int ranks, const std::string& arguments) const {
        const auto file = folder / ("result-" + std::to_string(ranks) + ".json");
        const auto result = run_command(mpirun(ranks) + program("hpml_bench") + " " + arguments +
                                        " --json " + file.string());
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
        Json json = read_json(file);
        BOOST_TEST(json.at("ranks").get<int>() == ranks);
        return json;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(bench_suite, Fixture)

BOOST_AUTO_TEST_CASE(allreduce_measures_every_way_at_every_size_with_right_sums) {
    for (const int ranks : {2, 3}) {
        const Json json = bench(ranks, "allreduce --largest-mib 0.01");
        BOOST_TEST(json.at("benchmark").get<std::string>() == "allreduce");
        std::set<std::pair<std::int64_t, std::string>> measured;
        for (const Json& row : json.at("result").at("rows")) {
            const auto bytes = row.at("bytes").get<std::int64_t>();
            const auto name = row.at("way").get<std::string>();
            const auto seconds = row.at("median_seconds").get<double>();
            measured.emplace(bytes, name);
            BOOST_TEST(row.at("wrong_sums").get<int>() == 0);
            BOOST_TEST(row.at("iterations").get<int>() > 0);
            BOOST_TEST(seconds > 0);
            BOOST_TEST(seconds < 1);
            const double expected = static_cast<double>(bytes) / seconds * 2 * (ranks - 1) / ranks;
            BOOST_TEST(row.at("bus_gigabytes_per_second").get<double>() == expected * 1e-9,
                       boost::test_tools::tolerance(1e-9));
            BOOST_TEST(row.at("ratios").at(name).get<double>() == 1.0);
        }
        for (const std::int64_t bytes : {8, 64, 512, 4096}) {
            for (const char* way :
                 {"shm", "shm foreign", "ring", "MPI_Allreduce", "MPI tuned", "pack+MPI+unpack"}) {
                BOOST_TEST(measured.count({bytes, way}) == 1U, way);
            }
        }
        BOOST_TEST(measured.size() == 24U);
    }
}

BOOST_AUTO_TEST_CASE(step_measures_whole_training_steps) {
    for (const int ranks : {1, 2}) {
        const Json json = bench(ranks, "step --model " + micro_model(folder.path()) +
                                           " --sequence-length 32 --micro-batch 2 --accumulation 3 "
                                           "--steps 4 --threads 1");
        const Json& result = json.at("result");
        const auto seconds = result.at("median_seconds").get<double>();
        BOOST_TEST(seconds > 0);
        BOOST_TEST(seconds < 10);
        BOOST_TEST(result.at("tokens_per_second").get<double>() == ranks * 2 * 3 * 32 / seconds,
                   boost::test_tools::tolerance(0.01));
        BOOST_TEST(result.at("exposed_share").get<double>() >= 0);
        BOOST_TEST(result.at("exposed_share").get<double>() < 1);
        // Random tokens of 4000 kinds: the loss of a fresh model is near ln 4000 = 8.29.
        BOOST_TEST(result.at("loss").get<double>() == 8.29, boost::test_tools::tolerance(0.05));
    }
}

BOOST_AUTO_TEST_CASE(loader_measures_reading_and_masking) {
    prepare_sample(folder / "data");
    const Json json =
        bench(1, "loader --micro-batch 4 --micro-batches 50 --data " + (folder / "data").string());
    const Json& result = json.at("result");
    const auto tokens = result.at("tokens").get<double>();
    const auto seconds = result.at("reading_seconds").get<double>();
    BOOST_TEST(result.at("micro_batches").get<int>() == 50);
    BOOST_TEST(tokens >= 50 * 4 * 3);
    BOOST_TEST(tokens <= 50 * 4 * 32);
    BOOST_TEST(seconds > 0);
    BOOST_TEST(result.at("stalled_seconds").get<double>() <= seconds);
    BOOST_TEST(result.at("opening_seconds").get<double>() > 0);
    BOOST_TEST(result.at("tokens_per_second").get<double>() == tokens / seconds,
               boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(bad_calls_end_with_one_message_and_their_code) {
    const std::string start = mpirun(2) + program("hpml_bench");
    check_one_error(run_command(start + " nonsense"), 64, "allreduce, step, loader");
    check_one_error(run_command(start), 64, "what");
    check_one_error(run_command(start + " loader --data /nowhere"), 66, "hpml_prepare");
    check_one_error(run_command(start + " allreduce --largest-mib 1e-9"), 64, "4 bytes");
    check_one_error(run_command(start + " allreduce --largest-mib 0.0001 --json " +
                                (folder / "absent/x.json").string()),
                    73, "absent/x.json");
}

BOOST_AUTO_TEST_SUITE_END()
