#pragma once

#include <algorithm>
#include <csignal>
#include <random>

#include "base/clock.h"
#include "program/continuation.h"

namespace hpml::test {

/// Runs that are killed at any moment, again and again, until they reach their last step.
struct KillLoop : Continuation {
    std::int64_t steps = 400;
    int longest_wait_ms = 2700;  ///< from a start to the kill
    struct Tally {
        int kills = 0;
        int while_training = 0;  ///< of these, after a step of that start
        int stuck_launchers = 0;
        double longest_end = 0;  ///< seconds from a kill until no rank was left
    } tally;

    [[nodiscard]] std::string command(const std::string& run) const {
        return pretrain_command(3, folder.path(), run,
                                "--steps " + std::to_string(steps) +
                                    " --checkpoint-every 5 --keep-checkpoints 2 --log-every 0.001");
    }

    /// SIGKILL for one rank, for all, or for mpirun and all (or mpirun alone, which has not started
    /// any yet).
    struct Strike {
        std::string what;
        bool hit_launcher = false;
    };
    [[nodiscard]] static Strike strike(int mpirun_pid, std::mt19937& random) {
        const auto ranks = children_of(mpirun_pid);
        const auto choice = random() % 5;
        if (choice < 3 && !ranks.empty()) {
            const std::size_t chosen = random() % ranks.size();
            ::kill(ranks[chosen], SIGKILL);
            return {"process " + std::to_string(chosen) + " of " + std::to_string(ranks.size())};
        }
        const bool with_mpirun = choice == 3 || ranks.empty();
        if (with_mpirun) {
            ::kill(mpirun_pid, SIGKILL);
        }
        for (const int rank : ranks) {
            ::kill(rank, SIGKILL);
        }
        return {with_mpirun ? "mpirun and its processes" : "all processes", with_mpirun};
    }

    /// One run from its first start to its end; killed again and again, but `most` times at most.
    void run_to_the_end(const std::string& run, std::mt19937& random, int most) {
        for (int start = 0; start < 200; ++start) {
            const auto shared_before = shared_memory_names();
            // These are no crashes of the program's own, as a run that went back would take them.
            std::filesystem::remove(folder / run / "attempts.json");
            Background job(command(run), folder / "job.log");
            const int wait_ms =
                200 + static_cast<int>(random() % static_cast<unsigned>(longest_wait_ms - 200));
            const auto result = job.wait(tally.kills < most ? wait_ms / 1000.0 : 300);
            if (result.code != 124) {
                BOOST_TEST_REQUIRE(result.code == 0, result.output);
                return;
            }
            BOOST_TEST_REQUIRE(tally.kills < most, "the run does not come to its end");
            tally.while_training += result.says("| loss ") ? 1 : 0;
            ++tally.kills;
            const Strike done = strike(job.pid(), random);
            check_that_all_end(job, done, shared_before);
        }
        BOOST_ERROR("200 starts did not bring " << run << " to its end");
    }

  private:
    void check_that_all_end(Background& job, const Strike& done,
                            const std::set<std::string>& shared_before) {
        const Stopwatch watch;
        const auto nobody_runs = [&] {
            return processes_of("hpml_pretrain", folder.path().string()).empty();
        };
        BOOST_TEST_REQUIRE(wait_until(60, nobody_runs),
                           "processes are left 60 s after the kill of " << done.what);
        tally.longest_end = std::max(tally.longest_end, watch.elapsed().value);
        // Open MPI 4.1's mpirun may overlook the end of ranks that die while it starts them. It is
        // killed with `job` then.
        const bool stuck = job.wait(10).code == 124;
        tally.stuck_launchers += stuck ? 1 : 0;
        if (done.hit_launcher || stuck) {
            // Open MPI's own files are removed by its launcher, which was killed.
            remove_files_of_open_mpi(shared_before);
        }
        std::set<std::string> left;
        BOOST_TEST(wait_until(30,
                              [&] {
                                  left = left_in_shared_memory(shared_before);
                                  return left.empty();
                              }),
                   "/dev/shm/" << (left.empty() ? "" : *left.begin())
                               << " is left after the kill of " << done.what);
    }

    static void remove_files_of_open_mpi(const std::set<std::string>& before) {
        for (const std::string& name : left_in_shared_memory(before)) {
            if (name.starts_with("vader_segment.") || name.starts_with("sm_segment.") ||
                name.starts_with("osc_rdma.")) {
                std::filesystem::remove("/dev/shm/" + name);
            }
        }
    }
};

}  // namespace hpml::test
