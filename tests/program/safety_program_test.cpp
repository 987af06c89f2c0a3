// Numbers that are not finite, and ranks that no longer hold the same model.

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/json.h"
#include "program/continuation.h"

using namespace hpml;
using namespace hpml::test;

namespace {

struct Fixture : Continuation {
    [[nodiscard]] std::string steps(const std::string& run, const std::string& more) const {
        return pretrain_command(3, folder.path(), run,
                                "--steps 10 --checkpoint-every 2 --keep-checkpoints 20 " + more);
    }
    [[nodiscard]] static std::string with_fault(const std::string& fault,
                                                const std::string& command) {
        return "HPML_FAULT=" + fault + " " + command;
    }
};

constexpr const char* kPoison = "nan@step=6,rank=2,site=gradient";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(safety_suite, Fixture)

BOOST_AUTO_TEST_CASE(a_gradient_that_is_not_finite_stops_all_ranks_and_is_named) {
    const auto stopped = run_command(with_fault(kPoison, steps("stop", "")));
    BOOST_TEST(stopped.code == 77, stopped.output);
    BOOST_TEST(stopped.says("step 7: loss"), stopped.output);
    BOOST_TEST(stopped.says("not finite on rank 2 (gradient of bert.encoder.layer."),
               stopped.output);
    BOOST_TEST(!stopped.says("rank 0 ("), stopped.output);
    // What was trained before stands.
    const auto resumed = run_command(steps("stop", ""));
    BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
    BOOST_TEST(resumed.says("resuming after step 6"), resumed.output);
}

BOOST_AUTO_TEST_CASE(a_skipped_update_is_skipped_on_every_rank_and_after_a_resume) {
    const std::string skip = "--on-non-finite skip";
    const auto straight = run_command(with_fault(kPoison, steps("straight", skip)));
    BOOST_TEST_REQUIRE(straight.code == 0, straight.output);
    BOOST_TEST(straight.says("the update is left out, 1 of at most 5 in a row"), straight.output);
    const Json state =
        parse_json(text_of(folder / "straight/checkpoints/step-00000010/state.json"), "state");
    BOOST_TEST(state.at("optimizer_steps").get<int>() == 9);
    BOOST_TEST(text_of(folder / "straight" / "metrics.jsonl").find("\"skipped\":true") !=
               std::string::npos);
    const auto killed = run_command(with_fault(
        std::string("'") + kPoison + ";kill@step=7,rank=0,site=step'", steps("killed", skip)));
    BOOST_TEST(killed.code != 0, killed.output);
    const auto resumed = run_command(with_fault(kPoison, steps("killed", skip)));
    BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
    check_same("straight", "killed", "step-00000010");
    check_steps("killed", 10);
}

BOOST_AUTO_TEST_CASE(too_many_skipped_updates_in_a_row_end_the_run) {
    const auto run = run_command(with_fault("nan@rank=1,site=gradient",
                                            steps("many", "--on-non-finite skip --max-skipped 2")));
    BOOST_TEST(run.code == 77, run.output);
    BOOST_TEST(run.says("2 of at most 2 in a row"), run.output);
    BOOST_TEST(run.says("step 3: loss"), run.output);
}

BOOST_AUTO_TEST_CASE(a_rollback_goes_on_with_later_data) {
    const std::string back = "--on-non-finite rollback";
    const auto run =
        run_command(with_fault("nan@step=7,rank=1,site=gradient", steps("back", back)));
    BOOST_TEST_REQUIRE(run.code == 0, run.output);
    BOOST_TEST(run.says("back to step 6, and on with the data behind it (1 of at most 3 times)"),
               run.output);
    const Json state =
        parse_json(text_of(folder / "back/checkpoints/step-00000010/state.json"), "state");
    BOOST_TEST(state.at("data_shift").get<int>() == 2);
    BOOST_TEST(state.at("samples").get<int>() == 12 * 12);
    check_steps("back", 10);
    // Nothing to go back to.
    const auto none = run_command(with_fault("nan@step=1,site=gradient", steps("none", back)));
    BOOST_TEST(none.code == 77, none.output);
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_in_a_replica_is_found_and_its_rank_named) {
    const auto run = run_command(
        with_fault("flip@step=4,rank=1,site=replica", steps("flip", "--check-replicas-every 2")));
    BOOST_TEST(run.code == 79, run.output);
    BOOST_TEST(run.says("after step 4 the parameters of rank 1 on "), run.output);
    const auto resumed = run_command(steps("flip", "--check-replicas-every 1"));
    BOOST_TEST(resumed.code == 0, resumed.output);
}

BOOST_AUTO_TEST_SUITE_END()
