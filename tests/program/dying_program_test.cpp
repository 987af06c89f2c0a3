// Ways in which one rank dies: the job is gone soon, with an exit code that says so, and leaves
// neither processes nor memory behind.

#include <boost/test/unit_test.hpp>

#include "base/clock.h"
#include "program/kill_loop.h"

using namespace hpml;
using namespace hpml::test;

namespace {

struct Fixture {
    ScratchFolder folder{"dying"};
    Fixture() { prepare_sample(folder / "data"); }

    /// A run whose rank 1, and no other, has the fault.
    [[nodiscard]] std::string command(const std::string& run, const std::string& fault) const {
        const auto wrapper = folder / (run + ".sh");
        write_file(wrapper, "[[ \"$OMPI_COMM_WORLD_RANK\" != 1 ]] || export HPML_FAULT=" + fault +
                                "\nexec \"$@\"\n");
        std::string line = pretrain_command(3, folder.path(), run, "--steps 1000000");
        line.insert(line.find(program("hpml_pretrain")), "bash " + wrapper.string() + " ");
        return line;
    }
    [[nodiscard]] std::size_t ranks_alive() const {
        return processes_of("hpml_pretrain", folder.path().string()).size();
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(dying_suite, Fixture)

BOOST_AUTO_TEST_CASE(however_a_rank_dies_the_job_is_gone_within_ten_seconds) {
    struct Death {
        std::string name;
        std::string fault;
        int errors;  ///< blocks of ours on stderr
    };
    for (const auto& [name, fault, errors] :
         {Death{"killed", "kill@step=3,site=step", 0}, Death{"left", "exit@step=3,site=step", 0},
          Death{"hook-left", "exit@step=3,site=hook", 0},
          Death{"hook-throws", "throw@step=3,site=hook", 1},
          Death{"throws", "throw@step=3,site=step", 1}}) {
        const auto shared_before = shared_memory_names();
        Background job(command(name, fault), folder / (name + ".log"));
        BOOST_TEST_REQUIRE(wait_until(60, [&] { return ranks_alive() == 3; }), name);
        BOOST_TEST_REQUIRE(wait_until(60, [&] { return ranks_alive() < 3; }), name);
        const Stopwatch watch;
        BOOST_TEST(wait_until(10, [&] { return ranks_alive() == 0; }), name);
        const auto result = job.wait(std::max(0.0, 10 - watch.elapsed().value));
        const double seconds = watch.elapsed().value;
        BOOST_TEST(result.code != 124, name << ": mpirun still runs");
        BOOST_TEST(result.code != 0, name << ": " << result.output);
        BOOST_TEST(result.count("error:") == errors, name << ": " << result.output);
        if (errors > 0) {
            BOOST_TEST(result.says("rank 1"), result.output);
            BOOST_TEST(result.says("was asked to fail"), result.output);
        }
        std::set<std::string> left;
        BOOST_TEST(wait_until(5,
                              [&] {
                                  left = left_in_shared_memory(shared_before);
                                  return left.empty();
                              }),
                   name << ": /dev/shm/" << (left.empty() ? "" : *left.begin()) << " is left");
        std::printf("%-12s exit %3d, the job was gone %.1f s after the first process\n",
                    name.c_str(), result.code, seconds);
    }
}

BOOST_AUTO_TEST_CASE(a_rank_that_crashes_says_so_with_its_stack) {
    const auto shared_before = shared_memory_names();
    // AddressSanitizer would report the signal itself, before the handler that is tested here.
    const auto crashed =
        run_command("export ASAN_OPTIONS=\"$ASAN_OPTIONS:handle_segv=0\"; ulimit -c 0; " +
                        command("crashed", "segv@step=3,site=step"),
                    300);
    BOOST_TEST(crashed.code == 70, crashed.output);
    BOOST_TEST(crashed.count("error:") == 1, crashed.output);
    BOOST_TEST(crashed.says("rank 1: hpml_pretrain crashed"), crashed.output);
    BOOST_TEST(crashed.says("SIGSEGV"), crashed.output);
    BOOST_TEST(crashed.says("hpml_pretrain(+0x"), "the stack in " << crashed.output);
    BOOST_TEST(wait_until(5, [&] { return left_in_shared_memory(shared_before).empty(); }));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(few_kills_suite, KillLoop)

BOOST_AUTO_TEST_CASE(five_random_kills_do_not_change_the_final_weights) {
    steps = 40;
    BOOST_TEST_REQUIRE(run_command(command("undisturbed"), 300).code == 0);
    std::mt19937 random(5);  // a fixed seed, so that a failure can be had again
    for (int runs = 1; tally.kills < 5; ++runs) {
        const std::string run = "killed-" + std::to_string(runs);
        run_to_the_end(run, random, 5);
        check_same("undisturbed", run, "step-00000040");
        check_steps(run, steps);
    }
    std::printf("%d kills, %d of them while training; no rank was left after %.1f s at most\n",
                tally.kills, tally.while_training, tally.longest_end);
}

BOOST_AUTO_TEST_SUITE_END()
