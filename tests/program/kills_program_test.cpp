// Kills at every step, and at any moment: whatever is killed, the same command goes on to the bytes
// of the undisturbed run.

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <random>

#include "program/continuation.h"

using namespace hpml;
using namespace hpml::test;

namespace {

constexpr int kKills = 60;
constexpr std::int64_t kSteps = 400;

struct Tally {
    int kills = 0;
    int while_training = 0;  ///< of these, after a step of that start
    int stuck_launchers = 0;
    int runs = 0;
};

/// SIGKILL for one rank, for all, or for mpirun and all (or mpirun alone, which has not started any
/// yet). @return what was done
std::string strike(int mpirun_pid, std::mt19937& random) {
    const auto ranks = children_of(mpirun_pid);
    const auto choice = random() % 5;
    if (choice < 3 && !ranks.empty()) {
        const std::size_t chosen = random() % ranks.size();
        ::kill(ranks[chosen], SIGKILL);
        return "process " + std::to_string(chosen) + " of " + std::to_string(ranks.size());
    }
    const bool with_mpirun = choice == 3 || ranks.empty();
    if (with_mpirun) {
        ::kill(mpirun_pid, SIGKILL);
    }
    for (const int rank : ranks) {
        ::kill(rank, SIGKILL);
    }
    return with_mpirun ? "mpirun and its processes" : "all processes";
}

struct Loop : Continuation {
    [[nodiscard]] std::string command(const std::string& run) const {
        return pretrain_command(3, folder.path(), run,
                                "--steps " + std::to_string(kSteps) +
                                    " --checkpoint-every 5 --keep-checkpoints 2 --log-every 0.001");
    }
    /// One run from its first start to its end, killed again and again.
    void run_to_the_end(const std::string& run, std::mt19937& random, Tally& tally) const {
        for (int start = 0; start < 200; ++start) {
            const auto log = folder / "job.log";
            Background job(command(run), log);
            const double moment = 0.2 + static_cast<double>(random() % 2500) / 1000;
            const auto result = job.wait(moment);
            if (result.code == 124) {
                const auto ranks = children_of(job.pid());
                tally.while_training += result.says("| loss ") ? 1 : 0;
                ++tally.kills;
                const std::string what = strike(job.pid(), random);
                BOOST_TEST_REQUIRE(
                    wait_until(10,
                               [&] { return std::all_of(ranks.begin(), ranks.end(), has_ended); }),
                    "processes are left 10 s after the kill of " << what);
                // Open MPI 4.1's mpirun may overlook the end of ranks that die while it starts
                // them. It is killed with `job` then.
                tally.stuck_launchers += job.wait(10).code == 124 ? 1 : 0;
            } else {
                BOOST_TEST_REQUIRE(result.code == 0, result.output);
                return;
            }
        }
        BOOST_ERROR("200 starts did not bring " << run << " to its end");
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(kills_suite, Loop)

BOOST_AUTO_TEST_CASE(a_run_killed_at_any_step_continues_to_the_same_bytes_on_three_ranks) {
    BOOST_TEST_REQUIRE(run_command(ten_steps("straight")).code == 0);
    for (std::int64_t k = 1; k <= 9; ++k) {
        check_kill_after(k, static_cast<int>(k % 3));
    }
}

BOOST_AUTO_TEST_CASE(random_kills_do_not_change_the_final_weights) {
    BOOST_TEST_REQUIRE(run_command(command("undisturbed"), 300).code == 0);
    std::mt19937 random(20);  // a fixed seed, so that a failure can be had again
    Tally tally;
    while (tally.kills < kKills) {
        const std::string run = "killed-" + std::to_string(++tally.runs);
        run_to_the_end(run, random, tally);
        check_same("undisturbed", run, "step-00000400");
        check_steps(run, kSteps);
    }
    std::printf("%d kills, %d of them while training, over %d runs; mpirun got stuck %d times\n",
                tally.kills, tally.while_training, tally.runs, tally.stuck_launchers);
    BOOST_TEST(tally.while_training >= kKills / 4);
    BOOST_TEST(tally.stuck_launchers <= kKills / 20);
}

BOOST_AUTO_TEST_SUITE_END()
