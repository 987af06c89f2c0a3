// Whole programs: what the user and the launcher see of a failure, and hpml_status.
#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <string>

#include "report/status.h"
#include "support/data.h"

using namespace hpml;

namespace {

struct Outcome {
    int code = -1;
    std::string output;  ///< stdout and stderr together
};

Outcome run(const std::string& command) {
    Outcome outcome;
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    BOOST_REQUIRE(pipe != nullptr);
    char buffer[4096];
    for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
        outcome.output.append(buffer, got);
    }
    const int status = ::pclose(pipe);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
}

Outcome run_failing(int ranks, const std::string& kind) {
    return run("timeout -k 5 60 " HPML_MPIEXEC " -np " + std::to_string(ranks) + " " +
               HPML_FAILING_PROGRAM + " " + kind);
}

Outcome run_status(const std::string& arguments) {
    return run(std::string(HPML_STATUS_PROGRAM) + " " + arguments);
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++found;
    }
    return found;
}

void check_failure(const Outcome& outcome, int code, const std::string& block) {
    BOOST_TEST(outcome.code == code, outcome.output);
    BOOST_TEST(count(outcome.output, "error: ") == 1u, outcome.output);
    BOOST_TEST(count(outcome.output, block) == 1u, outcome.output);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(parallel_program)

BOOST_AUTO_TEST_CASE(success_on_several_ranks_exits_with_zero) {
    const auto outcome = run_failing(2, "nothing");
    BOOST_TEST(outcome.code == 0);
    BOOST_TEST(count(outcome.output, "done on 2 ranks") == 1u);
    BOOST_TEST(run_failing(2, "help").output == "");
}

BOOST_AUTO_TEST_CASE(a_bad_command_line_is_said_once) {
    check_failure(run_failing(3, "usage"), 64, "error: unknown option --such\n");
}

BOOST_AUTO_TEST_CASE(an_agreed_error_is_said_once_with_the_rank_that_met_it) {
    check_failure(run_failing(3, "agreed"), 65, "error: rank 1: shard 7 is short\n");
}

BOOST_AUTO_TEST_CASE(an_error_that_every_rank_meets_is_said_once_without_a_rank) {
    check_failure(run_failing(3, "alike"), 78, "error: every rank says the same\n");
}

BOOST_AUTO_TEST_CASE(an_error_of_one_rank_ends_those_that_wait_for_it) {
    check_failure(run_failing(3, "local"), 74, "error: rank 1: disk of one node is gone\\x1b[2J\n");
}

BOOST_AUTO_TEST_CASE(one_rank_without_mpirun_fails_with_the_message_alone) {
    const auto outcome = run(std::string(HPML_FAILING_PROGRAM) + " alike");
    BOOST_TEST(outcome.code == 78);
    BOOST_TEST(outcome.output == "error: every rank says the same\n");
}

BOOST_AUTO_TEST_CASE(copies_under_srun_are_refused) {
    const std::string copy = std::string(" ") + HPML_FAILING_PROGRAM + " nothing";
    const auto first = run("SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=0" + copy);
    BOOST_TEST(first.code == 64);
    BOOST_TEST(first.output.find("started as 4 separate copies") != std::string::npos);
    const auto second = run("SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=1" + copy);
    BOOST_TEST(second.code == 64);
    BOOST_TEST(second.output == "");
}

BOOST_AUTO_TEST_CASE(status_prints_one_word_for_scripts) {
    const test::ScratchFolder folder("status-program");
    const std::string path = folder.path().string();
    BOOST_TEST(run_status("--brief " + path).output == "none\n");
    RunStatus status;
    status.program = "hpml_pretrain";
    status.process = this_process();
    status.state = RunState::Interrupted;
    write_status(folder.path(), status);
    const auto brief = run_status(path + " --brief");
    BOOST_TEST(brief.output == "interrupted\n");
    BOOST_TEST(brief.code == 0);
    BOOST_TEST(run_status(path).output.find("state           interrupted\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(status_answers_help_and_version_and_refuses_the_rest) {
    BOOST_TEST(run_status("--help").output.find("Usage: hpml_status [options] RUN") !=
               std::string::npos);
    const auto version = run_status("--version");
    BOOST_TEST(version.code == 0);
    BOOST_TEST(version.output.find("fault points") != std::string::npos);
    BOOST_TEST(run_status("--print-manual | head -1").output.starts_with(".TH HPML_STATUS 1"));
    const auto unknown = run_status("--brif x");
    BOOST_TEST(unknown.code == 64);
    BOOST_TEST(unknown.output == "error: unknown option --brif. Did you mean --brief?\n");
    BOOST_TEST(run("env -u HPML_RUN " HPML_STATUS_PROGRAM).code == 64);
}

BOOST_AUTO_TEST_SUITE_END()
