// Training over two hosts joined by a network that is slow, loses packets, breaks and heals, and
// hosts that die. Needs root, for network namespaces (tests/support/hosts.sh).

#include <boost/test/unit_test.hpp>
#include <csignal>

#include "base/clock.h"
#include "base/hash.h"
#include "program/sample.h"
#include "support/process.h"
#include "support/skip.h"

using namespace hpml;
using namespace hpml::test;

namespace {

/// Two hosts of two ranks each.
struct Fixture {
    ScratchFolder folder{"hosts"};
    std::string obstacle;  ///< why there are no hosts here

    Fixture() {
        const auto probe = run_command(rig("") + "true", 300);
        if (probe.code == kSkippedCode) {
            not_run(probe.output);
            obstacle = probe.output;
            return;
        }
        BOOST_TEST_REQUIRE(probe.code == 0, probe.output);
        prepare_sample(folder / "data");
        const auto straight = run_command(command("straight", "--steps 6"), 300);
        BOOST_TEST_REQUIRE(straight.code == 0, straight.output);
    }

    [[nodiscard]] static std::string rig(const std::string& options) {
        return source("tests/support/hosts.sh") + " --hosts 2 --ranks-per-host 2 " + options +
               " -- ";
    }
    /// The training without its mpirun, run by rank after rank through `wrapper`, which leaves the
    /// rank's exit code in exit-RANK.
    [[nodiscard]] std::string command(const std::string& run, const std::string& more,
                                      const std::string& network = "",
                                      const std::string& before = "") const {
        const auto wrapper = folder / (run + ".sh");
        write_file(wrapper, "trap : TERM\nrank=$OMPI_COMM_WORLD_RANK\nexport OMP_NUM_THREADS=1\n" +
                                before + "\n\"$@\"\ncode=$?\necho $code >" +
                                (folder / ("exit-" + run + "-")).string() + "$rank\nexit $code\n");
        std::string line = pretrain_command(4, folder.path(), run, more);
        line.erase(0, line.find(program("hpml_pretrain")));
        return rig(network) + "bash " + wrapper.string() + " " + line;
    }
    [[nodiscard]] std::string weights(const std::string& run) const {
        return hash_file(folder / run / "checkpoints/step-00000006/model.safetensors").hex();
    }
    [[nodiscard]] std::string exit_code(const std::string& run, int rank) const {
        return text_of(folder / ("exit-" + run + "-" + std::to_string(rank)));
    }
    [[nodiscard]] std::size_t ranks_alive() const {
        return processes_of("hpml_pretrain", folder.path().string()).size();
    }
    [[nodiscard]] bool reaches_step(const std::string& run, int step) const {
        return wait_until(60, [&] {
            return text_of(folder / run / "metrics.jsonl")
                       .find("\"step\":" + std::to_string(step) + ",") != std::string::npos;
        });
    }
    static void tell(const Background& job, const std::string& words) {
        const auto told = run_command(source("tests/support/hosts.sh") + " --of " +
                                      std::to_string(job.pid()) + " " + words);
        BOOST_TEST_REQUIRE(told.code == 0, told.output);
    }
    /// Let hosts.sh take its namespaces down.
    static void clear_away(Background& job) {
        ::kill(job.pid(), SIGTERM);
        BOOST_TEST(job.wait(20).code != 124, "hosts.sh does not end");
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(hosts_suite, Fixture)

BOOST_AUTO_TEST_CASE(a_slow_link_and_lost_packets_cost_time_and_nothing_else) {
    for (const char* network : {"--mbit 20", "--loss 3"}) {
        if (!obstacle.empty()) {
            return;
        }
        const std::string run = network[2] == 'm' ? "slow" : "lossy";
        const Stopwatch watch;
        const auto result =
            run_command(command(run, "--steps 6 --timeout-seconds 20", network), 100);
        if (result.code == kSkippedCode) {
            not_run(result.output);
            continue;
        }
        BOOST_TEST(result.code == 0, result.output);
        BOOST_TEST(weights(run) == weights("straight"), network);
        BOOST_TEST(result.count("error:") == 0, result.output);
        std::printf("%s: %.1f s\n", network, watch.elapsed().value);
    }
}

BOOST_AUTO_TEST_CASE(a_link_that_comes_back_after_five_seconds_changes_no_bit) {
    if (!obstacle.empty()) {
        return;
    }
    Background job(command("healed", "--steps 6 --warn-seconds 2 --log-every 0.001", "",
                           "export HPML_FAULT=stop@step=3,rank=0,site=step"),
                   folder / "healed.log");
    BOOST_TEST_REQUIRE(reaches_step("healed", 3));
    // Rank 0 sleeps before step 4, so that the link breaks at a known place.
    BOOST_TEST_REQUIRE(wait_until(20, [&] {
        const auto ranks = processes_of("hpml_pretrain", folder.path().string());
        return std::any_of(ranks.begin(), ranks.end(),
                           [](int pid) { return state_of(pid) == 'T'; });
    }));
    tell(job, "link down 2");
    for (const int pid : processes_of("hpml_pretrain", folder.path().string())) {
        ::kill(pid, SIGCONT);
    }
    BOOST_TEST(job.wait(5).code == 124, "nothing waits for the link");
    tell(job, "link up 2");
    const Stopwatch watch;
    const auto result = job.wait(60);
    std::printf("done %.1f s after the link was up again\n", watch.elapsed().value);
    BOOST_TEST(result.code == 0, result.output);
    BOOST_TEST(weights("healed") == weights("straight"));
}

BOOST_AUTO_TEST_CASE(a_link_that_stays_down_ends_every_rank_and_names_the_other_host) {
    if (!obstacle.empty()) {
        return;
    }
    Background job(command("parted", "--steps 1000000 --warn-seconds 5 --timeout-seconds 8"),
                   folder / "parted.log");
    BOOST_TEST_REQUIRE(reaches_step("parted", 3));
    tell(job, "link down 2");
    const Stopwatch watch;
    BOOST_TEST(wait_until(60, [&] { return ranks_alive() == 0; }));
    std::printf("no rank was left %.1f s after the link went down, time-out 8 s\n",
                watch.elapsed().value);
    for (int rank = 0; rank < 4; ++rank) {
        BOOST_TEST(std::filesystem::exists(folder / "parted" /
                                           ("flight-rank-" + std::to_string(rank) + ".jsonl")),
                   rank);
    }
    // Open MPI's daemon of a host ends the other rank as soon as one has left.
    for (const int first_of_host : {0, 2}) {
        // The shell around a rank writes its code a moment after the rank has left.
        std::string codes;
        (void)wait_until(5, [&] {
            codes = exit_code("parted", first_of_host) + exit_code("parted", first_of_host + 1);
            return !codes.empty();
        });
        BOOST_TEST((codes == "76\n" || codes == "76\n76\n"), codes);
    }
    const std::string log = text_of(folder / "parted.log");
    BOOST_TEST(log.find("rank 2 on host2, which speaks for its host, has not been heard of") !=
                   std::string::npos,
               log);
    // Whether mpirun notices is up to it: a batch script has `timeout -k`.
    clear_away(job);
}

BOOST_AUTO_TEST_CASE(a_host_that_dies_ends_the_job_within_ten_seconds) {
    if (!obstacle.empty()) {
        return;
    }
    Background job(command("dead", "--steps 1000000"), folder / "dead.log");
    BOOST_TEST_REQUIRE(reaches_step("dead", 3));
    tell(job, "kill 2");
    const Stopwatch watch;
    const auto result = job.wait(60);
    std::printf("mpirun ended %.1f s after all processes of a host were killed, exit %d\n",
                watch.elapsed().value, result.code);
    BOOST_TEST(result.code != 124);
    BOOST_TEST(result.code != 0);
    BOOST_TEST(ranks_alive() == 0U);
}

BOOST_AUTO_TEST_CASE(a_rank_that_hangs_on_another_host_is_named_with_its_bucket) {
    if (!obstacle.empty()) {
        return;
    }
    const auto result = run_command(command("hung",
                                            "--steps 1000000 --warn-seconds 5 "
                                            "--timeout-seconds 15",
                                            "", "export HPML_FAULT=hang@step=3,rank=3,site=step"),
                                    300);
    BOOST_TEST(result.code == 76, result.output);
    BOOST_TEST(result.says("rank 3 on host2 has not entered all-reduce bucket 0 of step 4"),
               result.output);
    BOOST_TEST(result.count("error:") == 1, result.output);
}

BOOST_AUTO_TEST_CASE(a_rank_with_other_options_is_refused_by_number) {
    if (!obstacle.empty()) {
        return;
    }
    const auto result = run_command(
        command("other", "--steps 6", "", "[[ $rank != 3 ]] || set -- \"${@/#5e-3/6e-3}\""), 300);
    BOOST_TEST(result.code == 78, result.output);
    BOOST_TEST(result.says("rank 3 differs from rank 0"), result.output);
    BOOST_TEST(result.count("error:") == 1, result.output);
}

BOOST_AUTO_TEST_SUITE_END()
