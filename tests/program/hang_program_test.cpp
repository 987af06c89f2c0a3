// A rank that hangs is named and ends the job; one that goes on in time changes nothing.

#include <boost/test/unit_test.hpp>
#include <csignal>

#include "base/hash.h"
#include "program/refusal.h"
#include "program/sample.h"
#include "support/process.h"

using namespace hpml;
using namespace hpml::test;

namespace {

struct Fixture {
    ScratchFolder folder{"hang"};
    Fixture() { prepare_sample(folder / "data"); }

    [[nodiscard]] std::string command(const std::string& run, const std::string& more) const {
        return pretrain_command(3, folder.path(), run, "--steps 6 --checkpoint-every 2 " + more);
    }
    [[nodiscard]] std::string weights(const std::string& run) const {
        return hash_file(folder / run / "checkpoints/step-00000006/model.safetensors").hex();
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(hang_suite, Fixture)

BOOST_AUTO_TEST_CASE(a_rank_that_hangs_is_named_the_job_ends_and_the_next_start_resumes) {
    BOOST_TEST_REQUIRE(run_command(command("whole", "")).code == 0);
    struct Hang {
        std::string fault;
        std::string told;
    };
    for (const auto& [fault, told] :
         {Hang{"stop@step=3,rank=1", "rank 1 shows no sign of life"},
          Hang{"hang@step=3,rank=2", "rank 2 has not entered all-reduce bucket 0 of step 4"},
          Hang{"stop@step=3,rank=0", "rank 0 shows no sign of life"}}) {
        const std::string run = "hung-" + fault.substr(0, 4) + fault.substr(fault.size() - 1);
        const auto hung = run_command("HPML_FAULT=" + fault + " " +
                                      command(run, "--timeout-seconds 5 --warn-seconds 3"));
        BOOST_TEST(hung.code == 76, fault << ": " << hung.code << hung.output);
        BOOST_TEST(hung.count("error:") == 1, hung.output);
        BOOST_TEST(hung.count("warning: waiting") == 1, hung.output);
        BOOST_TEST(hung.count(told) >= 1, told << " in " << hung.output);
        BOOST_TEST(hung.says("the sums of the gradients of step 4"), hung.output);
        const char live = fault.back() == '0' ? '1' : '0';
        const std::string record =
            text_of(folder / run / (std::string("flight-rank-") + live + ".jsonl"));
        for (const char* event : {"submit", "start", "finish", "enter wait"}) {
            BOOST_TEST(record.find(event) != std::string::npos, event << " in " << record);
        }
        const auto resumed = run_command(command(run, ""));
        BOOST_TEST(resumed.code == 0, resumed.output);
        BOOST_TEST(weights(run) == weights("whole"), fault);
    }
}

BOOST_AUTO_TEST_CASE(a_rank_that_hangs_outside_the_steps_ends_the_job_too) {
    struct Hang {
        std::string fault;
        std::string run;
        std::string told;
    };
    for (const auto& [fault, run, told] :
         {Hang{"stop@site=start,rank=1", "start", "in the start"},
          Hang{"stop@site=validate,rank=1", "validate", "in the validation after step 3"},
          Hang{"stop@site=checkpoint.write", "save", "in the checkpoint after step 2"},
          // It lives: files and uneven work get ten times the time-out.
          Hang{"hang@site=validate,rank=1", "alive", "in the validation after step 1"}}) {
        const bool lives = run == "alive";
        // After the first step: those behind it would be held to its length.
        const auto hung = run_command(
            "HPML_FAULT=" + fault + " " +
            command(run, lives ? "--validate-every 1 --timeout-seconds 1 --warn-seconds 0.2"
                               : "--validate-every 3 --timeout-seconds 4 --warn-seconds 3"));
        BOOST_TEST(hung.code == 76, fault << ": " << hung.code << hung.output);
        BOOST_TEST(hung.count("error: waiting for other ranks " + told) == 1, hung.output);
        BOOST_TEST(hung.count("error:") == 1, hung.output);
        BOOST_TEST(hung.count(run == "save" ? "rank 0 shows no sign of life"
                              : lives       ? "rank 1 has not come there"
                                            : "rank 1 shows no sign of life") >= 1,
                   hung.output);
    }
}

BOOST_AUTO_TEST_CASE(a_rank_that_never_arrives_is_told_by_number) {
    const auto wrapper = folder / "late.sh";
    write_file(wrapper, "[[ \"$OMPI_COMM_WORLD_RANK\" != 1 ]] || exec sleep 100\nexec \"$@\"\n");
    std::string line = command("late", "");
    line.insert(line.find(program("hpml_pretrain")), "bash " + wrapper.string() + " ");
    const auto late = run_command("HPML_START_TIMEOUT=10 " + line);
    BOOST_TEST(late.code == 76, late.output);
    BOOST_TEST(late.count("error:") == 1, late.output);
    BOOST_TEST(late.says("rank 0, 2 of 3 is there, rank 1 is not"), late.output);
}

BOOST_AUTO_TEST_CASE(a_rank_that_goes_on_in_time_is_waited_for) {
    BOOST_TEST_REQUIRE(run_command(command("whole", "")).code == 0);
    const auto log = folder / "paused.log";
    Background job("env HPML_FAULT=stop@step=3,rank=1 " +
                       command("paused", "--timeout-seconds 120 --warn-seconds 3"),
                   log);
    BOOST_TEST_REQUIRE(
        wait_until(
            100,
            [&] { return text_of(log).find("rank 1 shows no sign of life") != std::string::npos; }),
        text_of(log));
    for (const int rank : children_of(job.pid())) {
        ::kill(rank, SIGCONT);
    }
    const auto paused = job.wait(200);
    BOOST_TEST(paused.code == 0, paused.output);
    BOOST_TEST(weights("paused") == weights("whole"));
}

BOOST_AUTO_TEST_CASE(a_slow_rank_is_named_and_changes_nothing) {  // two reports of twenty steps
    const std::string steps = "--steps 40 --checkpoint-every 40";
    const auto weights_at_end = [&](const std::string& run) {
        return hash_file(folder / run / "checkpoints/step-00000040/model.safetensors").hex();
    };
    BOOST_TEST_REQUIRE(run_command(pretrain_command(2, folder.path(), "even", steps)).code == 0);
    // Within its own work: a rank that is stopped while it waits for others is not slow. 100 ms, so
    // that even a busy machine's steps are far below.
    std::string faults;
    for (int i = 0; i < 5; ++i) {
        faults += "slow@site=gradient,rank=1;";
    }
    const auto slowed = run_command("HPML_FAULT='" + faults + "' " +
                                    pretrain_command(2, folder.path(), "slowed", steps));
    BOOST_TEST(slowed.code == 0, slowed.output);
    BOOST_TEST(slowed.count("warning: rank 1 on ") == 1, slowed.output);
    BOOST_TEST(slowed.says("to compute a step"), slowed.output);
    const std::string metrics = text_of(folder / "slowed/metrics.jsonl");
    BOOST_TEST(metrics.find("\"slowest_rank\":1") != std::string::npos);
    BOOST_TEST(metrics.find("\"rank_seconds\":[") != std::string::npos);
    const auto status = run_command(program("hpml_status") + " " + (folder / "slowed").string());
    BOOST_TEST(status.says("slowest rank    rank "), status.output);
    BOOST_TEST(status.says("of 2 reports up to step 40"), status.output);
    BOOST_TEST(status.says("fastest rank    rank "), status.output);
    BOOST_TEST(weights_at_end("slowed") == weights_at_end("even"));
}

BOOST_AUTO_TEST_SUITE_END()
