// The options of communication are shown as they were decided, and variables of Horovod's count.

#include <boost/test/unit_test.hpp>

#include "program/refusal.h"
#include "program/sample.h"

using namespace hpml;
using namespace hpml::test;

namespace {

struct Fixture {
    ScratchFolder folder{"knobs"};
    Fixture() { prepare_sample(folder / "data"); }

    [[nodiscard]] std::string command(const std::string& run, const std::string& more) const {
        return mpirun(2) + program("hpml_pretrain") + " --data " + (folder / "data").string() +
               " --run " + (folder / run).string() + " --model " + micro_model(folder.path()) +
               " --learning-rate 5e-3 --warmup 1 --steps 2 --global-batch 4 --micro-batch 1 "
               "--threads 1 " +
               more;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(knobs_suite, Fixture)

BOOST_AUTO_TEST_CASE(what_was_decided_is_shown_and_every_operation_can_be_compared) {
    const auto result = run_command(
        command("all",
                "--allreduce ring --bucket-mib 0.25 --first-bucket-mib 0.0625 --chunk-kib 64 "
                "--segment-kib 128 --spin-us 5 --progress thread --check every"));
    BOOST_TEST(result.code == 0, result.output);
    BOOST_TEST(result.says("all-reduce: ring, "), result.output);
    BOOST_TEST(result.says("buckets of 0.25 MiB or more"), result.output);
    BOOST_TEST(result.says("progress thread, check every"), result.output);
    BOOST_TEST(result.says("chunks of 64 KiB, segments of 128 KiB, 5 us of spinning"),
               result.output);
    BOOST_TEST(result.says("told after 10 s and ends the job after 120 s"), result.output);
}

BOOST_AUTO_TEST_CASE(variables_of_horovods_count_unless_an_option_says_otherwise) {
    const std::string variables =
        "HOROVOD_FUSION_THRESHOLD=524288 HOROVOD_STALL_CHECK_TIME_SECONDS=60 "
        "HOROVOD_STALL_SHUTDOWN_TIME_SECONDS=0 ";
    const auto result = run_command(variables + command("horovod", "--warn-seconds 20"));
    BOOST_TEST(result.code == 0, result.output);
    BOOST_TEST(result.says("$HOROVOD_FUSION_THRESHOLD is taken for --bucket-mib 0.5"),
               result.output);
    BOOST_TEST(result.says("$HOROVOD_STALL_SHUTDOWN_TIME_SECONDS is taken for --timeout-seconds 0"),
               result.output);
    BOOST_TEST(result.count("HOROVOD_STALL_CHECK") == 0, result.output);
    BOOST_TEST(result.says("told after 20 s"), result.output);
    BOOST_TEST(result.says("buckets of 0.5 MiB or more"), result.output);
}

BOOST_AUTO_TEST_CASE(values_out_of_range_and_variables_that_are_no_number_are_refused) {
    check_one_error(run_command("HOROVOD_FUSION_THRESHOLD=64MB " + command("a", "")), 64,
                    "HOROVOD_FUSION_THRESHOLD: bad value '64MB': expected a whole number of bytes");
    check_one_error(run_command("HOROVOD_STALL_CHECK_TIME_SECONDS=soon " + command("a", "")), 64,
                    "HOROVOD_STALL_CHECK_TIME_SECONDS");
    for (const std::string bad : {"--chunk-kib 0.5", "--segment-kib 2000000", "--spin-us -1",
                                  "--first-bucket-mib -1", "--progress sometimes", "--check all"}) {
        check_one_error(run_command(command("a", bad)), 64, bad.substr(0, bad.find(' ')));
    }
}

BOOST_AUTO_TEST_SUITE_END()
