#include "base/log.h"

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "base/file.h"
#include "support/data.h"

using namespace hpml;

namespace {

/// A console that remembers what was written on it.
class Paper {
  public:
    Paper() : stream_(std::tmpfile()) { std::setvbuf(stream_, nullptr, _IONBF, 0); }
    ~Paper() { std::fclose(stream_); }
    Paper(const Paper&) = delete;
    Paper& operator=(const Paper&) = delete;
    Paper(Paper&&) = delete;
    Paper& operator=(Paper&&) = delete;

    [[nodiscard]] std::FILE* stream() const { return stream_; }
    [[nodiscard]] std::string text() const {
        std::string text(static_cast<std::size_t>(std::ftell(stream_)), '\0');
        std::rewind(stream_);
        text.resize(std::fread(text.data(), 1, text.size(), stream_));
        return text;
    }

  private:
    std::FILE* stream_;
};

constexpr ConsoleFacts kTerminal{.is_terminal = true};
constexpr ConsoleFacts kPipe{};

struct Fixture {
    Paper paper;
    [[nodiscard]] Log log(const ConsoleFacts& facts, ColorWhen color = ColorWhen::Never,
                          int rank = 0) const {
        return {Rank(rank), rank == 0, choose_style(color, facts), paper.stream()};
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(log_suite, Fixture)

BOOST_AUTO_TEST_CASE(a_pipe_gets_plain_lines_and_only_the_progress_that_is_kept) {
    {
        const Log plain = log(kPipe, ColorWhen::Auto);
        plain.info("begins");
        plain.progress("step 1", Keep::No);
        plain.progress("step 2", Keep::Yes);
        plain.warn("disk {}", "full");
    }
    BOOST_TEST(paper.text() == "begins\nstep 2\nwarning: disk full\n");
}

BOOST_AUTO_TEST_CASE(on_a_terminal_progress_replaces_itself_and_lines_come_above_it) {
    {
        const Log terminal = log(kTerminal);
        terminal.progress("step 1", Keep::Yes);
        terminal.progress("step 2", Keep::No);
        terminal.info("checkpoint");
        terminal.progress("step 3", Keep::No);
    }
    BOOST_TEST(paper.text() ==
               "\r\x1b[Kstep 1"
               "\r\x1b[Kstep 2"
               "\r\x1b[Kcheckpoint\nstep 2"
               "\r\x1b[Kstep 3\n");
}

BOOST_AUTO_TEST_CASE(ended_progress_stands_and_is_not_repeated) {
    {
        const Log terminal = log(kTerminal);
        terminal.progress("step 9", Keep::No);
        terminal.end_progress();
        terminal.end_progress();
        terminal.info("finished");
    }
    BOOST_TEST(paper.text() == "\r\x1b[Kstep 9\n\r\x1b[Kfinished\n");
}

BOOST_AUTO_TEST_CASE(the_file_gets_every_line_and_the_kept_progress_without_escapes) {
    const test::ScratchFolder folder("log");
    {
        Log terminal = log(kTerminal, ColorWhen::Always);
        terminal.also_to_file((folder / "log.txt").string());
        terminal.warn("careful");
        terminal.progress("step 1", Keep::Yes);
        terminal.progress("step 2", Keep::No);
        terminal.info("finished");
    }
    const std::string text = read_text(folder / "log.txt");
    constexpr std::size_t kTime = sizeof("2026-11-21T10:15:00 ") - 1;
    BOOST_TEST(text.find('\x1b') == std::string::npos);
    BOOST_TEST(text.find("warning: careful\n") == kTime);
    BOOST_TEST(text.find("step 1\n") != std::string::npos);
    BOOST_TEST(text.find("step 2") == std::string::npos);
    BOOST_TEST(text.find("finished\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(other_ranks_show_no_progress_and_clear_rank_0s_before_they_warn) {
    {
        const Log other = log(kTerminal, ColorWhen::Never, 2);
        other.progress("step 1", Keep::Yes);
        other.info("hello");
        other.warn_local("slow");
    }
    BOOST_TEST(paper.text() == "\r\x1b[Kwarning: slow [rank 2]\n");
}

BOOST_AUTO_TEST_CASE(only_the_words_that_must_not_be_missed_are_in_color) {
    BOOST_TEST(with_colored_word("warning: a: b") == "\x1b[33mwarning:\x1b[0m a: b");
    BOOST_TEST(with_colored_word("error: no") == "\x1b[31merror:\x1b[0m no");
    BOOST_TEST(with_colored_word("finished after step 3") ==
               "\x1b[32mfinished\x1b[0m after step 3");
    BOOST_TEST(with_colored_word("failed") == "\x1b[31mfailed\x1b[0m");
    for (const char* line : {"step 1", "a warning: no", "finished: x", "", " error: x"}) {
        BOOST_TEST(with_colored_word(line) == line);
    }
    {
        const Log always = log(kPipe, ColorWhen::Always);
        always.warn("x");
    }
    BOOST_TEST(paper.text() == "\x1b[33mwarning:\x1b[0m x\n");
}

BOOST_AUTO_TEST_CASE(colors_are_for_terminals_unless_asked_for_or_refused) {
    struct Case {
        ColorWhen when;
        ConsoleFacts facts;
        bool colors;
    };
    const ConsoleFacts refused{.is_terminal = true, .no_color = true};
    const ConsoleFacts dumb{.is_terminal = true, .is_dumb = true};
    for (const Case& known :
         {Case{ColorWhen::Auto, kTerminal, true}, Case{ColorWhen::Auto, kPipe, false},
          Case{ColorWhen::Auto, refused, false}, Case{ColorWhen::Auto, dumb, false},
          Case{ColorWhen::Always, kPipe, true}, Case{ColorWhen::Always, refused, true},
          Case{ColorWhen::Never, kTerminal, false}}) {
        BOOST_TEST(choose_style(known.when, known.facts).colors == known.colors);
    }
    BOOST_TEST(choose_style(ColorWhen::Never, kTerminal).rewrites);
    BOOST_TEST(!choose_style(ColorWhen::Always, kPipe).rewrites);
    BOOST_TEST(!choose_style(ColorWhen::Always, dumb).rewrites);
}

BOOST_AUTO_TEST_SUITE_END()
