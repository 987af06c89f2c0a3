#include "report/console.h"

#include <boost/test/unit_test.hpp>
#include <limits>

using namespace hpml;

BOOST_AUTO_TEST_SUITE(console)

BOOST_AUTO_TEST_CASE(a_step_reads_like_this) {
    StepLine line;
    line.step = 12000;
    line.steps = 1000000;
    line.loss = 2.3145;
    line.learning_rate = 9.8e-5;
    line.grad_norm = 1.02;
    line.step_time = Seconds(0.812);
    line.tokens_per_second = 161000;
    line.ranks = 4;
    line.data_share = 0.011;
    line.communication_share = 0.12;
    line.checkpoint_age = Seconds(200);
    line.remaining = Seconds(9 * 86400 + 2 * 3600 + 11 * 60);
    BOOST_TEST(step_text(line) ==
               "step 12000/1000000 1.2% | loss 2.3145 | lr 9.8e-05 | gnorm 1.02 | 812 ms | 161k "
               "tok/s | data 1% comm 12% | ETA 9d 02:11");
    line.step = 120;
    line.steps = 1000;
    line.remaining.reset();
    line.checkpoint_age.reset();
    BOOST_TEST(step_text(line) ==
               "step 120/1000 12.0% | loss 2.3145 | lr 9.8e-05 | gnorm 1.02 | 812 ms | 161k tok/s "
               "(40.2k/rank) | data 1% comm 12%");
    line.ranks = 1;
    line.checkpoint_age = Seconds(200);
    BOOST_TEST(step_text(line) ==
               "step 120/1000 12.0% | loss 2.3145 | lr 9.8e-05 | gnorm 1.02 | 812 ms | 161k tok/s "
               "| data 1% comm 12% | ckpt 3m ago");
}

BOOST_AUTO_TEST_CASE(no_line_is_wider_than_120_columns_nor_has_other_than_ascii) {
    StepLine line;
    line.step = 999999999;
    line.steps = 1000000000;
    line.loss = -std::numeric_limits<double>::infinity();
    line.learning_rate = 1e-300;
    line.grad_norm = std::numeric_limits<double>::quiet_NaN();
    line.step_time = Seconds(12345);
    line.tokens_per_second = 1e18;
    line.ranks = 100000;
    line.data_share = 1;
    line.communication_share = 1;
    line.remaining = Seconds(1e9);
    line.checkpoint_age = Seconds(1e9);
    const std::string text = step_text(line);
    BOOST_TEST(text.size() <= 120u);
    BOOST_TEST(text.find("loss -inf") != std::string::npos);
    for (const char letter : text) {
        BOOST_TEST((letter >= ' ' && letter <= '~'));
    }
}

BOOST_AUTO_TEST_CASE(counts_have_three_digits) {
    const std::pair<double, const char*> cases[] = {
        {0, "0"},         {7, "7"},         {999, "999"},      {999.6, "1.00k"}, {1250, "1.25k"},
        {40249, "40.2k"}, {161000, "161k"}, {999600, "1.00M"}, {1.25e6, "1.25M"}};
    for (const auto& [count, text] : cases) {
        BOOST_TEST(count_text(count) == text);
    }
}

BOOST_AUTO_TEST_CASE(times_read_as_a_clock_or_an_age) {
    BOOST_TEST(clock_text(Seconds(59.9)) == "00:59");
    BOOST_TEST(clock_text(Seconds(7869)) == "02:11:09");
    BOOST_TEST(clock_text(Seconds(90061)) == "1d 01:01");
    BOOST_TEST(clock_text(Seconds(std::numeric_limits<double>::infinity())) == "unknown");
    BOOST_TEST(age_text(Seconds(45)) == "45s");
    BOOST_TEST(age_text(Seconds(200)) == "3m");
    BOOST_TEST(age_text(Seconds(7300)) == "2h");
    BOOST_TEST(age_text(Seconds(500000)) == "5d");
}

BOOST_AUTO_TEST_CASE(the_first_five_steps_are_shown_then_one_per_interval_and_the_last) {
    LogPolicy policy(Seconds(30));
    int shown = 0;
    for (int step = 0; step < 100; ++step) {
        shown += policy.shows(Seconds(1000 + step), false) ? 1 : 0;
    }
    BOOST_TEST(shown == 5 + 3);  // seconds 0 to 4, then 34, 64, 94
    BOOST_TEST(!policy.shows(Seconds(1100), false));
    BOOST_TEST(policy.shows(Seconds(1100), true));
}

BOOST_AUTO_TEST_SUITE_END()
