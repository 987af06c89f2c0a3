#include <boost/test/unit_test.hpp>
#include <sstream>

#include "apps/options.h"
#include "apps/sample_options.h"
#include "support/data.h"

using namespace hpml;
using test::Sample;

BOOST_AUTO_TEST_SUITE(options_text)

BOOST_AUTO_TEST_CASE(help_names_every_common_option_within_a_hundred_columns) {
    Sample sample;
    BOOST_TEST((sample.parse({"--help", "--no-such"}) == ParseResult::Exit));
    const std::string text = sample.out.str();
    for (const auto& row : sample.table.rows()) {
        const bool is_there = text.find(row.help.substr(0, 12)) != std::string::npos;
        BOOST_TEST(is_there == !row.is_advanced, row.name);
    }
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        BOOST_TEST(line.size() <= 100u, line);
    }
    for (const char* part : {"\nModel\n", "\nGeneral\n", "--encoder-norm post|pre", "(>= 1) [1000]",
                             "[required]", "(h, >= 0)", "one of tiny, base or a file *.json",
                             "$HPML_TEST_RUN", "Usage: hpml_sample --run DIR [options] [mode]"}) {
        BOOST_TEST(text.find(part) != std::string::npos, part);
    }
    BOOST_TEST(sample.table.help(true).find("also --fusion-threshold") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_option_has_a_help_text) {
    Sample sample;
    for (const auto& row : sample.table.rows()) {
        BOOST_TEST(row.help.size() >= 8u, row.name);
        BOOST_TEST(!row.help.ends_with('.'), row.name);
    }
}

BOOST_AUTO_TEST_CASE(the_effective_options_read_back_to_themselves) {
    const test::ScratchFolder folder("config");
    Sample first;
    (void)first.parse({"--run", "r", "--learning-rate", "3.3e-5", "--input", "a", "b c",
                       "--max-hours", "1.5", "--lower-case", "off", "--dry-run", "--log-every",
                       "90"});
    test::write_file(folder / "config.cfg", first.table.effective_config());
    Sample second;
    (void)second.parse({"--config", folder / "config.cfg"});
    for (const auto& row : first.table.rows()) {
        if (row.is_request) {
            continue;
        }
        const auto& again = second.table.rows();
        const auto same = std::find_if(again.begin(), again.end(),
                                       [&](const auto& other) { return other.name == row.name; });
        BOOST_TEST(value_texts(row.target) == value_texts(same->target), row.name);
    }
    BOOST_TEST(second.options.learning_rate == 3.3e-5);
}

BOOST_AUTO_TEST_CASE(print_config_shows_where_each_value_comes_from) {
    const test::ScratchFolder folder("config");
    test::write_file(folder / "a.cfg", "\nsteps = 50\n");
    Sample sample;
    BOOST_TEST((sample.parse({"--config", folder / "a.cfg", "--seed", "4", "--print-config"}) ==
                ParseResult::Exit));
    const std::string text = sample.out.str();
    const auto comment_of = [&](const std::string& start) {
        const auto from = text.find("\n" + start);
        BOOST_REQUIRE_MESSAGE(from != std::string::npos, start);
        const auto mark = text.find(" # ", from);
        return text.substr(mark + 3, text.find('\n', mark) - mark - 3);
    };
    BOOST_TEST(comment_of("steps = 50") == "file " + (folder / "a.cfg").string() + ":2");
    BOOST_TEST(comment_of("seed = 4") == "command line");
    BOOST_TEST(comment_of("batch-size = 32") == "default");
    BOOST_TEST(comment_of("# run =") == "required");
    BOOST_TEST(comment_of("# max-hours =") == "not set");
    BOOST_TEST(text.find("print-config") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_man_page_lists_every_option_and_exit_code) {
    Sample sample;
    BOOST_TEST((sample.parse({"--print-manual"}) == ParseResult::Exit));
    const std::string text = sample.out.str();
    BOOST_TEST(text.starts_with(".TH HPML_SAMPLE 1"));
    BOOST_TEST(text.find(".B \\-\\-batch\\-size \\fIN\\fR\n") != std::string::npos);
    BOOST_TEST(text.find(".B \\-\\-bucket\\-mib, \\-\\-fusion\\-threshold \\fIX\\fR\n") !=
               std::string::npos);
    BOOST_TEST(text.find("one of tiny, base or a file *.json") != std::string::npos);
    for (const char* code :
         {"0", "64", "65", "66", "69", "70", "73", "74", "76", "77", "78", "79"}) {
        BOOST_TEST(text.find(std::string(".TP\n.B ") + code + "\n") != std::string::npos, code);
    }
}

BOOST_AUTO_TEST_SUITE_END()
