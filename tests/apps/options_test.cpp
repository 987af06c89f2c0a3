#include "apps/options.h"

#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "apps/sample_options.h"
#include "base/error.h"
#include "support/data.h"

using namespace hpml;
using test::refusal;
using test::Sample;

BOOST_AUTO_TEST_SUITE(options)

BOOST_AUTO_TEST_CASE(every_kind_of_option_is_read) {
    Sample sample;
    const auto result = sample.parse({"--model",
                                      "my.json",
                                      "--encoder-norm=pre",
                                      "--steps",
                                      "5",
                                      "--batch-size=7",
                                      "--seed",
                                      "12",
                                      "--learning-rate",
                                      "1e-4",
                                      "--max-hours",
                                      "2.5",
                                      "--fusion-threshold",
                                      "4",
                                      "--input",
                                      "a",
                                      "b c",
                                      "--run",
                                      "r",
                                      "--lower-case",
                                      "off",
                                      "--dry-run",
                                      "--log-every",
                                      "2m"});
    const auto& options = sample.options;
    BOOST_TEST((result == ParseResult::Run));
    BOOST_TEST(options.model == "my.json");
    BOOST_TEST((options.norm == test::Norm::Pre));
    BOOST_TEST(options.steps == 5);
    BOOST_TEST(options.batch == 7);
    BOOST_TEST(options.seed == 12u);
    BOOST_TEST(options.learning_rate == 1e-4);
    BOOST_TEST(options.max_hours.value_or(0) == 2.5);
    BOOST_TEST(options.bucket_mib == 4);
    BOOST_TEST(options.input.size() == 2u);
    BOOST_TEST(options.input.at(1) == "b c");
    BOOST_TEST(options.run == "r");
    BOOST_TEST(!options.lower_case);
    BOOST_TEST(options.dry_run);
    BOOST_TEST(options.log_every.value == 120);
    BOOST_TEST(sample.table.is_set("bucket-mib"));
    BOOST_TEST((sample.table.origin("steps") == Origin::CommandLine));
}

BOOST_AUTO_TEST_CASE(what_is_not_given_keeps_its_default_and_is_not_set) {
    Sample sample;
    BOOST_TEST((sample.parse({"--run", "r"}) == ParseResult::Run));
    BOOST_TEST(sample.options.steps == 1000);
    BOOST_TEST(!sample.table.is_set("steps"));
    BOOST_TEST(sample.table.is_set("run"));
    BOOST_CHECK_THROW((void)sample.table.is_set("no-such"), InternalError);
}

BOOST_AUTO_TEST_CASE(bad_command_lines_are_refused_with_these_words) {
    const std::string steps = "expected a whole number of at least 1";
    const std::pair<std::vector<std::string>, std::string> cases[] = {
        {{"--bacth-size", "7"}, "unknown option --bacth-size. Did you mean --batch-size?"},
        {{"--bacth-size=7"}, "unknown option --bacth-size. Did you mean --batch-size?"},
        {{"--batch=7"}, "unknown option --batch. Did you mean --batch-size?"},
        {{"--tokenizer"}, "unknown option --tokenizer. See hpml_sample --help"},
        {{"--steps", "-1"}, "bad value '-1' for --steps: " + steps},
        {{"--steps=0"}, "bad value '0' for --steps: " + steps},
        {{"--steps", "3x"}, "bad value '3x' for --steps: " + steps},
        {{"--steps", "9999999999"}, "bad value '9999999999' for --steps: " + steps},
        {{"--steps"}, "option --steps needs a value: " + steps},
        {{"--steps="}, "option --steps needs a value: " + steps},
        {{"--steps", "--seed", "1"}, "option --steps needs a value: " + steps},
        {{"--batch-size", "5000"},
         "bad value '5000' for --batch-size: expected a whole number from 1 to 4096"},
        {{"--seed", "-1"}, "bad value '-1' for --seed: expected a whole number of at least 0"},
        {{"--learning-rate", "nan"},
         "bad value 'nan' for --learning-rate: expected a finite number above 0"},
        {{"--learning-rate", "inf"},
         "bad value 'inf' for --learning-rate: expected a finite number above 0"},
        {{"--max-hours", "-1"},
         "bad value '-1' for --max-hours: expected a finite number of at least 0 (h)"},
        {{"--model", "huge"},
         "bad value 'huge' for --model: expected one of tiny, base or a file *.json"},
        {{"--encoder-norm", "mid"},
         "bad value 'mid' for --encoder-norm: expected one of post, pre"},
        {{"--lower-case", "yes"}, "bad value 'yes' for --lower-case: expected on or off"},
        {{"--dry-run=yes"}, "bad value 'yes' for --dry-run: expected on or off"},
        {{"--log-every", "1w"},
         "bad value '1w' for --log-every: expected a time such as 90, 90s, 5m, 2h or 1d, at most "
         "1000000h"},
        {{"--seed", "1", "--seed", "2"}, "option --seed is given twice; keep one of the two"},
        {{"--bucket-mib", "1", "--fusion-threshold", "2"},
         "option --bucket-mib is given twice; keep one of the two"},
        {{"--chunk-kib", "-1"},
         "bad value '-1' for --chunk-kib: expected a finite number from 0 to 4096 (KiB)"},
        {{"--chunk-kib", "5000"},
         "bad value '5000' for --chunk-kib: expected a finite number from 0 to 4096 (KiB)"},
        {{"--spin-us", "-1"},
         "bad value '-1' for --spin-us: expected a finite number of at least 0 (us)"},
        {{"-s"},
         "unknown option -s (options have a name behind two dashes); see hpml_sample --help"},
        {{"step", "loader"},
         "unexpected argument 'loader' (hpml_sample takes options, which begin with --); see "
         "hpml_sample --help"},
        {{},
         "--run is needed (Run directory); or a line 'run = ...' in --config, or set "
         "HPML_TEST_RUN"},
    };
    for (const auto& [arguments, message] : cases) {
        BOOST_TEST(refusal(arguments) == message);
    }
}

BOOST_AUTO_TEST_CASE(sizes_and_times_are_read_and_shown_in_the_options_unit) {
    Sample sample;
    (void)sample.parse({"--run", "r", "--chunk-kib", "0.5", "--spin-us", "12.5"});
    BOOST_TEST(sample.options.chunk.value == 512U);
    BOOST_TEST(sample.options.spin.value == 12.5e-6);
    const std::string config = sample.table.effective_config();
    BOOST_TEST(config.find("chunk-kib = 0.5") != std::string::npos, config);
    BOOST_TEST(config.find("spin-us = 12.5") != std::string::npos, config);
    Sample untouched;
    (void)untouched.parse({"--run", "r"});
    BOOST_TEST(untouched.table.effective_config().find("spin-us = 30 ") != std::string::npos,
               untouched.table.effective_config());
}

BOOST_AUTO_TEST_CASE(a_variable_of_another_program_is_translated_or_refused_with_its_name) {
    ::setenv("HPML_TEST_CHUNK_BYTES", "8192", 1);
    Sample sample;
    (void)sample.parse({"--run", "r"});
    BOOST_TEST(sample.options.chunk.value == 8192U);
    BOOST_TEST((sample.table.origin("chunk-kib") == Origin::Environment));
    Sample beaten;
    (void)beaten.parse({"--run", "r", "--chunk-kib", "16"});
    BOOST_TEST(beaten.options.chunk.value == 16384U);
    ::setenv("HPML_TEST_CHUNK_BYTES", "much", 1);
    const std::string message = refusal({"--run", "r"});
    ::unsetenv("HPML_TEST_CHUNK_BYTES");
    BOOST_TEST(message ==
               "environment variable HPML_TEST_CHUNK_BYTES: bad value 'much': expected 8192; unset "
               "it, or give --chunk-kib");
}

BOOST_AUTO_TEST_CASE(a_flag_does_not_swallow_the_argument_behind_it) {
    Sample sample;
    (void)sample.parse({"--run", "r", "--dry-run", "loader"});
    BOOST_TEST(sample.options.dry_run);
    BOOST_TEST(sample.options.mode == "loader");
}

BOOST_AUTO_TEST_CASE(the_command_line_beats_the_file_and_the_file_the_environment) {
    const test::ScratchFolder folder("options");
    test::write_file(folder / "a.cfg",
                     "# a comment\r\n[Model]\nmodel = tiny\n\nsteps=50 # words\nrun = from-file\n"
                     "input = x\ninput = y z\ndry-run = on\nfusion-threshold = 2\n");
    ::setenv("HPML_TEST_RUN", "from-environment", 1);
    Sample file;
    (void)file.parse({"--config", folder / "a.cfg", "--steps", "60"});
    Sample none;
    (void)none.parse({});
    ::unsetenv("HPML_TEST_RUN");
    BOOST_TEST(file.options.model == "tiny");
    BOOST_TEST(file.options.steps == 60);
    BOOST_TEST(file.options.run == "from-file");
    BOOST_TEST(file.options.input.size() == 2u);
    BOOST_TEST(file.options.dry_run);
    BOOST_TEST(file.options.bucket_mib == 2);
    BOOST_TEST((file.table.origin("model") == Origin::File));
    BOOST_TEST(none.options.run == "from-environment");
    BOOST_TEST((none.table.origin("run") == Origin::Environment));
}

BOOST_AUTO_TEST_CASE(a_list_on_the_command_line_replaces_the_file_s) {
    const test::ScratchFolder folder("options");
    test::write_file(folder / "a.cfg", "run = r\ninput = x\ninput = y\n");
    Sample sample;
    (void)sample.parse({"--config", folder / "a.cfg", "--input", "z"});
    BOOST_TEST(sample.options.input.size() == 1u);
    BOOST_TEST(sample.options.input.front() == "z");
}

BOOST_AUTO_TEST_CASE(bad_files_are_refused_with_file_and_line) {
    const test::ScratchFolder folder("options");
    const std::string file = folder / "a.cfg";
    const std::pair<std::string, std::string> cases[] = {
        {"steps = 5\nbacth-size = 7\n", ":2: unknown option bacth-size. Did you mean batch-size?"},
        {"\n\nsteps = -1\n", ":3: bad value '-1' for steps: expected a whole number of at least 1"},
        {"learning-rate = nan\n",
         ":1: bad value 'nan' for learning-rate: expected a finite number above 0"},
        {"seed = 1\nseed = 2\n", ":2: option seed is given twice; keep one of the two"},
        {"nonsense\n",
         ":1: cannot read 'nonsense': expected NAME = VALUE, a [heading] or a # comment"},
        {"config = b.cfg\n", ":1: unknown option config. See hpml_sample --help"},
        {"steps =\n", ":1: bad value '' for steps: expected a whole number of at least 1"},
    };
    for (const auto& [text, message] : cases) {
        test::write_file(file, text);
        BOOST_TEST(refusal({"--run", "r", "--config", file}) == file + message);
    }
}

BOOST_AUTO_TEST_CASE(a_missing_file_is_a_missing_input) {
    Sample sample;
    BOOST_CHECK_THROW((void)sample.parse({"--config", "/no/such.cfg"}), MissingInputError);
}

BOOST_AUTO_TEST_CASE(the_default_file_is_read_only_without_another) {
    const test::ScratchFolder folder("options");
    test::write_file(folder / "default.cfg", "steps = 5\nseed = 3\n");
    test::write_file(folder / "mine.cfg", "steps = 6\n");
    Sample without;
    without.table.default_config(folder / "default.cfg");
    (void)without.parse({"--run", "r"});
    BOOST_TEST(without.options.steps == 5);
    Sample with;
    with.table.default_config(folder / "default.cfg");
    (void)with.parse({"--run", "r", "--config", folder / "mine.cfg"});
    BOOST_TEST(with.options.steps == 6);
    BOOST_TEST(with.options.seed == 1u);
}

BOOST_AUTO_TEST_CASE(an_option_without_a_help_text_is_refused) {
    OptionTable table("hpml_sample", "Show a mistake");
    int value = 0;
    auto group = table.group("Group");
    BOOST_CHECK_THROW(group.add("name", value, ""), InternalError);
}

BOOST_AUTO_TEST_CASE(a_name_is_declared_once) {
    Sample sample;
    int again = 0;
    auto group = sample.table.group("Again");
    BOOST_CHECK_THROW(group.add("fusion-threshold", again, "taken"), InternalError);
}

BOOST_AUTO_TEST_SUITE_END()
