// Kills at every step, and at any moment: whatever is killed, the same command goes on to the bytes
// of the undisturbed run.

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "program/kill_loop.h"

using namespace hpml;
using namespace hpml::test;

namespace {

/// HPML_TEST_KILLS=N for fewer.
int kills_wanted() {
    const char* wanted = std::getenv("HPML_TEST_KILLS");
    return wanted != nullptr ? std::atoi(wanted) : 1000;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(kills_suite, KillLoop)

BOOST_AUTO_TEST_CASE(a_run_killed_at_any_step_continues_to_the_same_bytes_on_three_ranks) {
    BOOST_TEST_REQUIRE(run_command(ten_steps("straight")).code == 0);
    for (std::int64_t k = 1; k <= 10; ++k) {
        check_kill_after(k, static_cast<int>(k % 3));
    }
}

BOOST_AUTO_TEST_CASE(any_optimizer_and_precision_continues_after_a_kill_sharded_or_not) {
    constexpr std::int64_t kSteps = 4;
    for (const std::string optimizer : {"adam", "adamw", "lamb", "adafactor", "sgd", "muon"}) {
        for (const std::string precision : {"fp32", "bf16"}) {
            const auto command = [&](const std::string& run, const std::string& more) {
                return with_optimizer(
                    on_three_ranks(run,
                                   "--steps 4 --checkpoint-every 1 --keep-checkpoints 20 "
                                   "--checkpoint-in-background off --precision " +
                                       precision + more),
                    optimizer);
            };
            const std::string straight = optimizer + precision;
            BOOST_TEST_REQUIRE(run_command(command(straight, "")).code == 0);
            for (const std::string zero1 : {"", " --zero1"}) {
                for (std::int64_t k = 1; k <= kSteps; ++k) {
                    const std::string run =
                        straight + zero1.substr(zero1.empty() ? 0 : 3) + "-" + std::to_string(k);
                    const std::string kill = kill_after(k, kSteps, 1);
                    BOOST_TEST(run_command(kill + command(run, zero1)).code != 0);
                    const auto resumed = run_command(command(run, zero1));
                    BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
                    BOOST_TEST(resumed.says("resuming after step " +
                                            std::to_string(std::min(k, kSteps - 1))),
                               resumed.output);
                    check_same(straight, run, "step-00000004");
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(random_kills_do_not_change_the_final_weights) {
    BOOST_TEST_REQUIRE(run_command(command("undisturbed"), 300).code == 0);
    std::mt19937 random(20);  // a fixed seed, so that a failure can be had again
    int runs = 0;
    const int wanted = kills_wanted();
    while (tally.kills < wanted) {
        const std::string run = "killed-" + std::to_string(++runs);
        run_to_the_end(run, random, wanted);
        check_same("undisturbed", run, "step-00000400");
        check_steps(run, steps);
    }
    std::printf(
        "%d kills, %d of them while training, over %d runs; no rank was left after %.1f s at most; "
        "mpirun got stuck %d times\n",
        tally.kills, tally.while_training, runs, tally.longest_end, tally.stuck_launchers);
    BOOST_TEST(tally.while_training >= wanted / 4);
    BOOST_TEST(tally.stuck_launchers <= wanted / 20);
}

BOOST_AUTO_TEST_SUITE_END()
