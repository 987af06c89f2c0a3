#include "report/console.h"

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

using namespace hpml;

namespace {

/// Everything that a StepConsole shows of steps of 0.1 s, on a terminal of some width or a pipe.
class Show {
  public:
    explicit Show(int columns) : stream_(std::tmpfile()), columns_(columns) {
        std::setvbuf(stream_, nullptr, _IONBF, 0);
    }
    ~Show() { std::fclose(stream_); }
    Show(const Show&) = delete;
    Show& operator=(const Show&) = delete;
    Show(Show&&) = delete;
    Show& operator=(Show&&) = delete;

    [[nodiscard]] std::string of_steps(int steps, int planned) {
        {
            ConsoleStyle style;
            style.rewrites = columns_ > 0;
            style.columns = [this] { return columns_; };
            const Log log(Rank(0), true, style, stream_);
            StepConsole console(log, Seconds(30), 1);
            for (int step = 1; step <= steps; ++step) {
                console.add({.step = step,
                             .steps = planned,
                             .loss = 2.5,
                             .learning_rate = 1e-3,
                             .grad_norm = 1,
                             .seconds = Seconds(0.1),
                             .data_wait = Seconds(0),
                             .comm_wait = Seconds(0.02),
                             .tokens = 100},
                            Seconds(1000 + 0.1 * step));
            }
            speed_ = console.tokens_per_second();
        }
        std::string text(static_cast<std::size_t>(std::ftell(stream_)), '\0');
        std::rewind(stream_);
        text.resize(std::fread(text.data(), 1, text.size(), stream_));
        return text;
    }
    [[nodiscard]] double speed() const { return speed_; }

  private:
    std::FILE* stream_;
    int columns_;
    double speed_ = 0;
};

int count(const std::string& text, const std::string& part) {
    int found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++found;
    }
    return found;
}

}  // namespace

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
    line.is_skipped = true;
    BOOST_TEST(step_text(line) ==
               "step 120/1000 12.0% | loss 2.3145 | lr 9.8e-05 | no update | 812 ms | 161k tok/s "
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

BOOST_AUTO_TEST_CASE(a_pipe_gets_the_first_five_steps_then_lines_in_time_and_the_last) {
    Show show(0);
    const std::string text = show.of_steps(1000, 1000);
    BOOST_TEST(count(text, "\n") == 5 + 3 + 1, text);
    BOOST_TEST(count(text, "\r") == 0);
    BOOST_TEST(text.starts_with("step 1/1000 0.1% | loss 2.5000 | lr 1.0e-03 | gnorm 1 | 100 ms | "
                                "1.00k tok/s | data 0% comm 20% | ETA 01:39\n"),
               text);
    BOOST_TEST(count(text, "step 1000/1000") == 1);
    BOOST_TEST(show.speed() == 1000.0, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(a_terminal_gets_one_line_redrawn_five_times_a_second_at_most) {
    Show show(200);
    const std::string text = show.of_steps(100, 1000);
    BOOST_TEST(count(text, "\n") == 1, text);
    BOOST_TEST(text.ends_with("\n"));
    const int drawn = count(text, "\r\x1b[Kstep ");
    BOOST_TEST(drawn > 40, text);
    BOOST_TEST(drawn <= 55, text);
}

BOOST_AUTO_TEST_CASE(on_a_terminal_the_last_step_stands) {
    Show show(200);
    const std::string text = show.of_steps(7, 7);
    BOOST_TEST(count(text, "step 7/7 100.0%") == 1, text);
    BOOST_TEST(count(text, "\n") == 1, text);
}

BOOST_AUTO_TEST_CASE(a_terminals_line_never_reaches_its_last_column) {
    for (const int columns : {200, 80, 40, 17}) {
        Show show(columns);
        const std::string text = show.of_steps(3, 7);
        const std::string clear = "\r\x1b[K";
        std::vector<std::string> lines;
        for (auto at = text.find(clear); at != std::string::npos;) {
            const auto next = text.find(clear, at + 1);
            const auto begin = at + clear.size();
            lines.push_back(text.substr(begin, std::min(next, text.size() - 1) - begin));
            at = next;
        }
        BOOST_TEST(lines.size() == 3u);
        for (const std::string& line : lines) {
            BOOST_TEST(line.starts_with("step "));
            BOOST_TEST(line.size() < static_cast<std::size_t>(columns), line);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
