// TimeLimit with a clock, an environment and a squeue of the test's own.

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "mpi/communicator.h"
#include "support/data.h"
#include "train/stop.h"

using namespace hpml;

namespace {

/// A job whose hours pass when the test says so.
struct Job {
    double passed = 0;
    std::map<std::string, std::string> variables;
    std::string squeue;
    int asked = 0;

    [[nodiscard]] train::TimeSources sources() {
        return {.monotonic = [this] { return Seconds(500 + passed); },
                .since_epoch = [this] { return Seconds(1'800'000'000 + passed); },
                .variable = [this](const std::string& name) { return variables[name]; },
                .squeue_time_left =
                    [this](const std::string& job) {
                        ++asked;
                        BOOST_TEST(job == variables["SLURM_JOB_ID"]);
                        return squeue;
                    }};
    }
    /// The first second at which `limit` is reached, looking every second.
    [[nodiscard]] double stops_after(const train::TimeLimit& limit) {
        while (!limit.reached() && passed < 1e6) {
            ++passed;
        }
        return passed;
    }
};

constexpr double kHour = 3600;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(time_limit, Job)

BOOST_AUTO_TEST_CASE(no_time_limit_is_never_reached) {
    train::TimeLimit limit(0, sources());
    limit.saw_step(Seconds(1e9));
    passed = 1e8;
    BOOST_TEST(!limit.reached());
    BOOST_TEST(limit.explain() == "none");
    BOOST_TEST(asked == 0);
}

BOOST_AUTO_TEST_CASE(max_hours_keeps_room_for_steps_checkpoints_a_validation_and_a_minute) {
    train::TimeLimit limit(1, sources());
    limit.saw_step(Seconds(2));
    limit.saw_step(Seconds(1));
    limit.saw_checkpoint(Seconds(20));
    limit.saw_checkpoint(Seconds(15));
    limit.saw_validation(Seconds(30));
    limit.saw_validation(Seconds(10));
    BOOST_TEST(limit.reserve().value == 2 * 20 + 3 * 2 + 30 + 60);
    BOOST_TEST(limit.warning_lead().value == 90);  // 60 + 20 + 2, in whole tens
    BOOST_TEST(stops_after(limit) == kHour - 136);
    BOOST_TEST(limit.explain() == "1.00 h (--max-hours)");
    BOOST_TEST(limit.stopping_line() == "stopping: 2 min left, last checkpoint took 15 s");
}

BOOST_AUTO_TEST_CASE(a_max_hours_of_seconds_keeps_five_percent) {
    train::TimeLimit limit(20 / kHour, sources());
    BOOST_TEST(limit.reserve().value == 1.0, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(stops_after(limit) == 19);
    BOOST_TEST(limit.explain() == "20 s (--max-hours)");
}

BOOST_AUTO_TEST_CASE(before_the_first_checkpoint_the_guess_counts_and_then_no_longer) {
    train::TimeLimit limit(1, sources());
    limit.expect_checkpoint(Seconds(100));
    BOOST_TEST(limit.reserve().value == 200 + 60);
    BOOST_TEST(stops_after(limit) == kHour - 260);
    BOOST_TEST(limit.stopping_line() == "stopping: 4 min left, no checkpoint has been timed yet");
    limit.saw_checkpoint(Seconds(0.25));
    BOOST_TEST(!limit.reached());
    BOOST_TEST(stops_after(limit) == kHour - 60);
    BOOST_TEST(limit.stopping_line() == "stopping: 60 s left, last checkpoint took 0.2 s");
}

BOOST_AUTO_TEST_CASE(the_batch_systems_end_counts_with_a_minute_to_spare) {
    variables = {{"SLURM_JOB_END_TIME", "1800000600"}, {"SLURM_JOB_ID", "77"}};
    squeue = "1:00";
    const train::TimeLimit limit(0, sources());
    BOOST_TEST(asked == 0);
    BOOST_TEST(limit.explain() == "10 min (SLURM_JOB_END_TIME)");
    BOOST_TEST(stops_after(limit) == 540);
}

BOOST_AUTO_TEST_CASE(of_several_limits_the_earliest_wins_and_is_named) {
    variables = {{"SLURM_JOB_END_TIME", "1800003600"}};
    BOOST_TEST(train::TimeLimit(0.5, sources()).explain() == "30 min (--max-hours)");
    BOOST_TEST(train::TimeLimit(2, sources()).explain() == "1.00 h (SLURM_JOB_END_TIME)");
}

BOOST_AUTO_TEST_CASE(an_end_in_the_past_or_that_is_no_number_is_left_over_and_does_not_count) {
    for (const char* end : {"1799999999", "1800000000", "soon", "-5", "1e10"}) {
        variables = {{"SLURM_JOB_END_TIME", end}};
        BOOST_TEST(train::TimeLimit(0, sources()).explain() == "none");
    }
}

BOOST_AUTO_TEST_CASE(squeue_is_asked_once_where_only_the_job_id_is_known) {
    variables = {{"SLURM_JOB_ID", "77"}};
    squeue = "1-02:03:04";
    const train::TimeLimit limit(0, sources());
    BOOST_TEST(limit.explain() == "26.05 h (squeue)");
    BOOST_TEST(stops_after(limit) == 93784 - 60);
    BOOST_TEST(asked == 1);
}

BOOST_AUTO_TEST_CASE(a_squeue_without_an_answer_or_a_limit_is_no_limit_and_no_error) {
    variables = {{"SLURM_JOB_ID", "77"}};
    for (const char* answer : {"", "UNLIMITED", "INVALID", "NOT_SET", "12"}) {
        squeue = answer;
        BOOST_TEST(train::TimeLimit(0, sources()).explain() == "none");
        BOOST_TEST(train::TimeLimit(1, sources()).explain() == "1.00 h (--max-hours)");
    }
}

BOOST_AUTO_TEST_CASE(squeues_times_are_days_hours_minutes_seconds) {
    const std::pair<const char*, double> cases[] = {{"0:00", 0},         {"4:38", 278},
                                                    {"59:59", 3599},     {"1:00:00", 3600},
                                                    {"23:59:59", 86399}, {"6-23:59:59", 604799}};
    for (const auto& [text, seconds] : cases) {
        const auto parsed = train::parse_time_left(text);
        BOOST_TEST_REQUIRE(parsed.has_value());
        BOOST_TEST(parsed->value == seconds);
    }
    for (const char* text :
         {"", ":", "5", "5:", ":5", "a:b", "1-5:00", "-1:00", "1:2:3:4", "1: 2", "1--1:00:00"}) {
        BOOST_TEST(!train::parse_time_left(text), text);
    }
}

BOOST_AUTO_TEST_CASE(the_process_itself_asks_the_squeue_of_its_path_for_digits_only) {
    const auto ranks = mpi::Communicator::world();
    const test::ScratchFolder folder("squeue" + std::to_string(ranks.rank().value));
    test::write_file(folder / "squeue", "#!/bin/sh\n[ \"$*\" = '-h -j 12 -o %L' ] && echo 1:30\n");
    std::filesystem::permissions(folder / "squeue", std::filesystem::perms::owner_all);
    const std::string path = std::getenv("PATH");
    ::setenv("PATH", (folder.path().string() + ":" + path).c_str(), 1);
    const auto sources = train::process_time_sources(train::AskSqueue::Yes);
    const std::string answer = sources.squeue_time_left("12");
    const std::string other = sources.squeue_time_left("13");
    const std::string forged = sources.squeue_time_left("12; echo 9:99");
    ::setenv("PATH", path.c_str(), 1);
    BOOST_TEST(answer == "1:30");
    BOOST_TEST(other == "");
    BOOST_TEST(forged == "");
    BOOST_TEST(!train::process_time_sources(train::AskSqueue::No).squeue_time_left);
}

BOOST_AUTO_TEST_SUITE_END()
