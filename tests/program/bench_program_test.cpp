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
            BOOST_TEST(seconds < 100);
            const double expected = static_cast<double>(bytes) / seconds * 2 * (ranks - 1) / ranks;
            BOOST_TEST(row.at("bus_gigabytes_per_second").get<double>() == expected * 1e-9,
                       boost::test_tools::tolerance(1e-9));
            BOOST_TEST(row.at("ratios").at(name).get<double>() == 1.0);
        }
        for (const std::int64_t bytes : {8, 64, 512, 4096}) {
            for (const char* way :
                 {"shm", "shm foreign", "hierarchical", "ring", "twoshot", "recursive_doubling",
                  "mpi", "MPI_Allreduce", "MPI tuned", "pack+MPI+unpack"}) {
                BOOST_TEST(measured.count({bytes, way}) == 1U, way);
            }
        }
        BOOST_TEST(measured.size() == 40U);
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
        BOOST_TEST(seconds < 100);
        BOOST_TEST(result.at("tokens_per_second").get<double>() == ranks * 2 * 3 * 32 / seconds,
                   boost::test_tools::tolerance(0.01));
        BOOST_TEST(result.at("exposed_share").get<double>() >= 0);
        BOOST_TEST(result.at("exposed_share").get<double>() < 1);
        // Random tokens of 4000 kinds: the loss of a fresh model is near ln 4000 = 8.29.
        BOOST_TEST(result.at("loss").get<double>() == 8.29, boost::test_tools::tolerance(0.05));
    }
}

BOOST_AUTO_TEST_CASE(checkpoint_measures_saves_beside_steps_and_alone_and_leaves_nothing) {
    const auto place = folder / "checkpoints";
    const Json result = bench(2, "checkpoint --model " + micro_model(folder.path()) +
                                     " --sequence-length 32 --micro-batch 2 --steps 6 --rounds 3 "
                                     "--threads 1 --folder " +
                                     place.string())
                            .at("result");
    const auto seconds = [&](const char* key) {
        return result.at(std::string(key) + "_seconds").get<double>();
    };
    // Weights and two moments of 4000 x 32 word embeddings at least, in fp32.
    BOOST_TEST(result.at("bytes").get<double>() > 3 * 4 * 4000 * 32);
    BOOST_TEST(result.at("rounds").size() == 3U);
    for (const char* key : {"step", "stopped", "beside", "alone"}) {
        BOOST_TEST(seconds(key) > 0, key);
        BOOST_TEST(seconds(key) < 100, key);
    }
    const double all = 6 * seconds("step");
    BOOST_TEST(result.at("rate_with_save").get<double>() == all / (all + seconds("lost")),
               boost::test_tools::tolerance(1e-9));
    BOOST_TEST(std::filesystem::is_empty(place));
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

BOOST_AUTO_TEST_CASE(a_calibration_is_a_cluster_to_simulate_on) {
    const auto cluster = (folder / "cluster.json").string();
    const auto measured =
        run_command(mpirun(2) + program("hpml_bench") + " calibrate --json " + cluster);
    BOOST_TEST_REQUIRE(measured.code == 0, measured.output);
    BOOST_TEST(read_json(cluster).at("ranks_per_node").get<int>() == 2);
    const auto result = folder / "simulated.json";
    const auto simulated = run_command(program("hpml_bench") +
                                       " simulate --ranks 2 --model tiny --compute-seconds 0.3 "
                                       "--cluster " +
                                       cluster + " --json " + result.string());
    BOOST_TEST_REQUIRE(simulated.code == 0, simulated.output);
    const Json json = read_json(result).at("result");
    BOOST_TEST(json.at("compute_seconds").get<double>() == 0.3, boost::test_tools::tolerance(1e-9));
    BOOST_TEST(json.at("step_seconds").get<double>() >= 0.3);
}

BOOST_AUTO_TEST_CASE(shipped_clusters_are_simulated_up_to_100000_ranks) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(HPML_SOURCE_DIR) / "jobs/clusters")) {
        ++count;
        const auto result = run_command(
            program("hpml_bench") + " simulate --ranks 100000 --cluster " + entry.path().string());
        BOOST_TEST(result.code == 0, result.output);
        BOOST_TEST(result.output.find("100000 ranks on") != std::string::npos, result.output);
        BOOST_TEST(result.output.find("strong scaling") != std::string::npos, result.output);
    }
    BOOST_TEST(count >= 2U);
}

BOOST_AUTO_TEST_CASE(bad_calls_end_with_one_message_and_their_code) {
    const std::string start = mpirun(2) + program("hpml_bench");
    check_one_error(run_command(start + " nonsense"), 64, "allreduce, step, ");
    check_one_error(run_command(start + " simulate"), 64, "jobs/clusters");
    check_one_error(run_command(start + " simulate --cluster /nowhere.json"), 66, "/nowhere.json");
    write_file(folder / "bad.json", "{\"ranks_per_node\": -1}");
    check_one_error(run_command(start + " simulate --cluster " + (folder / "bad.json").string()),
                    65, "'ranks_per_node' is -1");
    for (const std::string option : {"step --micro-batch", "step --accumulation", "step --steps",
                                     "allreduce --growth", "simulate --global-batch"}) {
        check_one_error(run_command(program("hpml_bench") + " " + option + " 4611686018427387904"),
                        64, "bad value '4611686018427387904'");
    }
    check_one_error(run_command(start), 64, "what");
    check_one_error(run_command(start + " loader --data /nowhere"), 66, "hpml_prepare");
    check_one_error(run_command(start + " allreduce --largest-mib 1e-9"), 64, "4 bytes");
    check_one_error(run_command(start + " allreduce --largest-mib 0.0001 --json " +
                                (folder / "absent/x.json").string()),
                    73, "absent/x.json");
}

BOOST_AUTO_TEST_CASE(a_timeline_of_steps_is_summarized_and_changes_no_loss) {
    const auto trace = folder / "trace.json";
    const std::string step = "step --model " + micro_model(folder.path()) +
                             " --sequence-length 32 --micro-batch 2 --steps 4 --threads 1 "
                             "--bucket-mib 1";
    const Json without = bench(2, step);
    const Json with = bench(2, step + " --trace " + trace.string());
    BOOST_TEST(with.at("result").at("loss").get<double>() ==
               without.at("result").at("loss").get<double>());
    BOOST_TEST(read_json(trace, mib(64)).at("traceEvents").size() > 100U);
    const Json summary = bench(1, "trace-summary " + trace.string()).at("result");
    BOOST_TEST_REQUIRE(summary.at("ranks").size() == 2U);
    for (const Json& rank : summary.at("ranks")) {
        // Two steps of warm-up and four; the first of all is left out.
        BOOST_TEST(rank.at("steps").get<int>() == 5);
        BOOST_TEST(rank.at("forward_seconds").get<double>() > 0);
        BOOST_TEST(rank.at("backward_seconds").get<double>() > 0);
        BOOST_TEST(rank.at("exposed_share").get<double>() < 1);
    }
    BOOST_TEST(summary.at("buckets").size() > 0U);
}

BOOST_AUTO_TEST_CASE(a_timeline_without_a_folder_and_a_summary_of_something_else_are_refused) {
    const auto refused = [](const std::string& arguments) {
        return run_command(program("hpml_bench") + " " + arguments);
    };
    const auto no_folder =
        refused("step --model tiny --trace " + (folder / "no/trace.json").string());
    BOOST_TEST(no_folder.code == 73, no_folder.output);
    BOOST_TEST(no_folder.output.find("there is no folder") != std::string::npos);
    write_file(folder / "other.json", "{}\n");
    const auto other = refused("trace-summary " + (folder / "other.json").string());
    BOOST_TEST(other.code == 65, other.output);
    const auto missing = refused("trace-summary " + (folder / "none.json").string());
    BOOST_TEST(missing.code == 66, missing.output);
    const auto unnamed = refused("trace-summary");
    BOOST_TEST(unnamed.code == 64, unnamed.output);
}

BOOST_AUTO_TEST_CASE(engine_measures_what_it_costs_beside_its_sums) {
    const Json result = bench(2, "engine --bucket-mib 1").at("result");
    BOOST_TEST(result.at("start_up_seconds").get<double>() > 0);
    BOOST_TEST(result.at("start_up_seconds").get<double>() < 100);
    BOOST_TEST(result.at("idle_share").get<double>() < 0.1);
    BOOST_TEST(result.at("beyond_arena_buckets").get<double>() >= 0);
}

BOOST_AUTO_TEST_SUITE_END()
