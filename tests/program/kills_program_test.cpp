// Kills at every step, and at any moment: whatever is killed, the same command goes on to the bytes
// of the undisturbed run.

#include <boost/test/unit_test.hpp>

#include "program/kill_loop.h"

using namespace hpml;
using namespace hpml::test;

namespace {

constexpr int kKills = 100;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(kills_suite, KillLoop)

BOOST_AUTO_TEST_CASE(a_run_killed_at_any_step_continues_to_the_same_bytes_on_three_ranks) {
    BOOST_TEST_REQUIRE(run_command(ten_steps("straight")).code == 0);
    for (std::int64_t k = 1; k <= 9; ++k) {
        check_kill_after(k, static_cast<int>(k % 3));
    }
}

BOOST_AUTO_TEST_CASE(a_hundred_random_kills_do_not_change_the_final_weights) {
    BOOST_TEST_REQUIRE(run_command(command("undisturbed"), 300).code == 0);
    std::mt19937 random(20);  // a fixed seed, so that a failure can be had again
    int runs = 0;
    while (tally.kills < kKills) {
        const std::string run = "killed-" + std::to_string(++runs);
        run_to_the_end(run, random, kKills);
        check_same("undisturbed", run, "step-00000400");
        check_steps(run, steps);
    }
    std::printf(
        "%d kills, %d of them while training, over %d runs; no rank was left after %.1f s at most; "
        "mpirun got stuck %d times\n",
        tally.kills, tally.while_training, runs, tally.longest_end, tally.stuck_launchers);
    BOOST_TEST(tally.while_training >= kKills / 4);
    BOOST_TEST(tally.stuck_launchers <= kKills / 20);
}

BOOST_AUTO_TEST_SUITE_END()
