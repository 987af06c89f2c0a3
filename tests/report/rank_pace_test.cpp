#include "report/rank_pace.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "report/status.h"
#include "report/status_text.h"
#include "support/data.h"

using namespace hpml;

namespace {

namespace tt = boost::test_tools;

/// A line as a run of `seconds.size()` ranks writes it.
std::string pace(int step, int slowest, int fastest, const std::vector<double>& seconds,
                 bool lists_all = true) {
    Json line = {{"kind", "pace"},
                 {"step", step},
                 {"slowest_rank", slowest},
                 {"host", "node0" + std::to_string(slowest)},
                 {"slowest_seconds", seconds[static_cast<std::size_t>(slowest)]},
                 {"typical_seconds", 0.2},
                 {"fastest_rank", fastest},
                 {"fastest_seconds", seconds[static_cast<std::size_t>(fastest)]}};
    if (lists_all) {
        line["rank_seconds"] = seconds;
    }
    return line.dump() + "\n";
}

std::string start(int step) {
    return "{\"kind\":\"start\",\"step\":" + std::to_string(step) + "}\n";
}

struct MetricsFolder {
    test::ScratchFolder folder{"rank_pace"};
    std::filesystem::path file = folder / "metrics.jsonl";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(rank_pace_suite, MetricsFolder)

BOOST_AUTO_TEST_CASE(times_are_listed_to_the_microsecond) {
    BOOST_TEST(rank_seconds(std::vector<Seconds>{Seconds(0.12345678), Seconds(2)}).dump() ==
               "[0.123457,2.0]");
    const std::vector<Seconds> most(kMostRanksOfPace, Seconds(1.0 / 3));
    BOOST_TEST(rank_seconds(most).dump().size() < 2500u);
}

BOOST_AUTO_TEST_CASE(the_slowest_rank_is_the_one_that_needs_most_in_the_mean) {
    test::write_file(file, start(0) + pace(20, 1, 0, {0.1, 0.5, 0.2}) +
                               "{\"kind\":\"train\",\"step\":21}\n" +
                               pace(40, 2, 1, {0.3, 0.1, 0.7}) + pace(60, 2, 1, {0.2, 0.1, 0.3}));
    const auto found = pace_of_start(file);
    BOOST_TEST_REQUIRE(found.has_value());
    BOOST_TEST(found->slowest.value == 2);
    BOOST_TEST(found->host == "node02");
    BOOST_TEST(found->slowest_step.value == 0.4, tt::tolerance(1e-12));
    BOOST_TEST(found->fastest.value == 0);  // rank 1 was it more often, but needed 0.7 in all
    BOOST_TEST(found->fastest_step.value == 0.2, tt::tolerance(1e-12));
    BOOST_TEST(found->typical_step.value == 0.2, tt::tolerance(1e-12));
    BOOST_TEST(found->reports == 3);
    BOOST_TEST(found->times_slowest == 2);
    BOOST_TEST(found->step.value == 60);
}

BOOST_AUTO_TEST_CASE(the_ranks_of_an_earlier_start_do_not_count) {
    test::write_file(file, start(0) + pace(20, 3, 0, {0.1, 0.1, 0.1, 0.9}) + start(20) +
                               pace(40, 1, 0, {0.1, 0.2}));
    BOOST_TEST(pace_of_start(file)->slowest.value == 1);
    test::write_file(file, start(0) + pace(20, 3, 0, {0.1, 0.1, 0.1, 0.9}) + start(20));
    BOOST_TEST(!pace_of_start(file).has_value());
    BOOST_TEST(!pace_of_start(folder / "absent").has_value());
}

BOOST_AUTO_TEST_CASE(without_the_times_of_all_the_rank_that_is_named_most_often_counts) {
    test::write_file(file, start(0) + pace(20, 0, 1, {0.9, 0.1, 0.2}, false) +
                               pace(40, 2, 1, {0.1, 0.2, 0.3}, false) +
                               pace(60, 2, 1, {0.1, 0.3, 0.5}, false));
    const auto found = pace_of_start(file);
    BOOST_TEST_REQUIRE(found.has_value());
    BOOST_TEST(found->slowest.value == 2);
    BOOST_TEST(found->slowest_step.value == 0.4, tt::tolerance(1e-12));
    BOOST_TEST(found->fastest.value == 1);
    BOOST_TEST(found->fastest_step.value == 0.2, tt::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(lines_of_another_form_are_passed_over) {
    const std::string good = pace(60, 1, 0, {0.1, 0.4});
    test::write_file(file,
                     std::string("{\"kind\":\"pace\",\"step\":20,\"slowest_rank\":7}\n") +
                         "{\"kind\":\"pace\",\"step\":40,\"slowest_rank\":-1,\"slowest_seconds\":9,"
                         "\"typical_seconds\":1,\"fastest_rank\":0,\"fastest_seconds\":1}\n" +
                         good);
    const auto found = pace_of_start(file);
    BOOST_TEST_REQUIRE(found.has_value());
    BOOST_TEST(found->reports == 1);
    BOOST_TEST(found->slowest.value == 1);
}

BOOST_AUTO_TEST_CASE(the_status_shows_slowest_and_fastest_rank) {
    RunStatus status;
    status.program = "hpml_pretrain";
    status.process = this_process();
    write_status(folder.path(), status);
    test::write_file(file, start(0) + pace(20, 1, 0, {0.1, 0.5}) + pace(40, 1, 0, {0.1, 0.3}));
    const std::string text = status_text(folder.path());
    BOOST_TEST(
        text.find("slowest rank    rank 1 on node01 0.4 s a step of its own work; the slowest "
                  "in 2 of 2 reports up to step 40\n") != std::string::npos,
        text);
    BOOST_TEST(text.find("fastest rank    rank 0 0.1 s; half of the ranks need at most 0.2 s\n") !=
                   std::string::npos,
               text);
    test::write_file(file, start(0));
    BOOST_TEST(status_text(folder.path()).find("slowest rank") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
