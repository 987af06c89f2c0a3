#include "apps/banner.h"

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <sstream>

#include "base/version.h"
#include "support/data.h"

using namespace hpml;

namespace {

std::vector<RankPlace> places(const std::vector<std::pair<std::string, std::string>>& ranks) {
    std::vector<RankPlace> all;
    for (const auto& [host, cores] : ranks) {
        all.push_back({host, cores, Bytes(8'000'000'000), std::nullopt});
    }
    return all;
}

Banner sample() {
    Banner banner;
    banner.program = "hpml_sample";
    banner.libraries = {"LibTorch 2.11.0"};
    banner.threads = "2 per rank, as asked";
    banner.communication = "inline";
    banner.device = "cpu";
    banner.memory_per_rank = Bytes(1'500'000'000);
    banner.run = "runs/one";
    banner.time_limit = "2.00 h (--max-hours)";
    banner.about = {{"data", "corpus, manifest 0123456789ab"}};
    banner.seed = 7;
    banner.command = {"bin/hpml_sample", "--run", "runs/one", "--data", "it's here"};
    return banner;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

/// The value behind a label; wrapped lines joined with a blank.
std::string value_of(const std::string& text, const std::string& label) {
    std::string value;
    bool inside = false;
    for (const std::string& line : lines_of(text)) {
        const bool begins = line.starts_with("  " + label + "  ");
        inside = begins || (inside && line.starts_with("      "));
        if (inside) {
            const std::string rest = begins ? line.substr(2 + label.size()) : line;
            value += (value.empty() ? "" : " ") + rest.substr(rest.find_first_not_of(' '));
        }
    }
    return value;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(banner)

BOOST_AUTO_TEST_CASE(a_host_is_listed_once_with_its_ranks_also_when_its_name_is_part_of_another) {
    BOOST_TEST(host_text(places({{"node10", ""}, {"node1", ""}, {"node10", ""}, {"node", ""}})) ==
               "node10 x2, node1 x1, node x1");
}

BOOST_AUTO_TEST_CASE(bindings_join_neighbours_and_end_after_eight) {
    BOOST_TEST(binding_text(places({{"a", "0-3"}})) == "cores of rank 0: 0-3");
    BOOST_TEST(binding_text(places({{"a", "0,1"}, {"a", "0,1"}, {"a", "2"}})) ==
               "cores of ranks 0-1: 0,1; rank 2: 2");
    std::vector<std::pair<std::string, std::string>> many;
    for (int rank = 0; rank < 20; ++rank) {
        many.emplace_back("a", std::to_string(rank));
    }
    const std::string text = binding_text(places(many));
    BOOST_TEST(text.ends_with("rank 7: 7; and 12 more ranks"), text);
}

BOOST_AUTO_TEST_CASE(memory_is_compared_on_the_host_that_it_fits_least) {
    auto ranks = places({{"big", ""}, {"big", ""}, {"small", ""}});
    const MemoryNeed fits = memory_need(Bytes(3'000'000'000), ranks);
    BOOST_TEST(!fits.is_too_much);
    BOOST_TEST(fits.text == "about 3.00 GB a rank, 6.00 GB on big; 8.00 GB are available there");
    ranks[2].available = Bytes(2'900'000'000);
    ranks[2].limit = Bytes(4'000'000'000);
    const MemoryNeed fails = memory_need(Bytes(3'000'000'000), ranks);
    BOOST_TEST(fails.is_too_much);
    BOOST_TEST(fails.text ==
               "about 3.00 GB a rank, 3.00 GB on small; 2.90 GB are available there (limit of the "
               "control group 4.00 GB)");
}

BOOST_AUTO_TEST_CASE(a_shell_reads_every_word_back) {
    const std::array<const char*, 9> words{
        "plain-1.0/x:y=z,+@%", "",     "two words", "it's", "$HOME `id` \\", "\"q\"",
        "*?[a]~;&|",           "a\nb", "#no"};
    for (const std::string word : words) {
        const std::string command = "printf %s " + shell_quoted(word);
        FILE* pipe = ::popen(command.c_str(), "r");
        std::array<char, 100> buffer{};
        const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe);
        ::pclose(pipe);
        BOOST_TEST(std::string(buffer.data(), got) == word);
    }
    BOOST_TEST(shell_quoted(words[0]) == words[0]);
}

BOOST_AUTO_TEST_CASE(several_ranks_are_started_as_they_were) {
    BOOST_TEST(launcher_text(1, "mpirun") == "");
    BOOST_TEST(launcher_text(3, "mpirun") == "mpirun -np 3 ");
    BOOST_TEST(launcher_text(3, "bash") == "mpirun -np 3 ");
    BOOST_TEST(launcher_text(3, "slurmstepd") == "srun --mpi=pmix -n 3 ");
}

BOOST_AUTO_TEST_CASE(the_banner_tells_all_in_aligned_lines) {
    const std::string text = banner_text(sample(), places({{"n1", "0"}, {"n1", "1"}}));
    const BuildInfo build = build_info();
    const auto lines = lines_of(text);
    BOOST_TEST(lines[0] == "hpml_sample " + build.version + " (" + build.git_revision + ", " +
                               build.build_type + ")");
    BOOST_TEST(value_of(text, "libraries").starts_with("LibTorch 2.11.0, "), text);
    BOOST_TEST(value_of(text, "hosts") == "n1 x2");
    BOOST_TEST(value_of(text, "ranks, threads") == "2; 2 per rank, as asked");
    BOOST_TEST(value_of(text, "bindings") == "cores of rank 0: 0; rank 1: 1");
    BOOST_TEST(value_of(text, "device") == "cpu");
    BOOST_TEST(value_of(text, "memory").starts_with("about 1.50 GB a rank, 3.00 GB on n1;"), text);
    BOOST_TEST(value_of(text, "data") == "corpus, manifest 0123456789ab");
    BOOST_TEST(value_of(text, "seed") == "7");
    BOOST_TEST(value_of(text, "reproducibility").starts_with("run ("), text);
    BOOST_TEST(value_of(text, "time limit") == "2.00 h (--max-hours)");
    BOOST_TEST(value_of(text, "run directory") ==
               (std::filesystem::current_path() / "runs/one").string());
    BOOST_TEST(value_of(text, "resume point") == "none, the run begins at step 0");
    BOOST_TEST(value_of(text, "go on with") ==
               "mpirun -np 2 bin/hpml_sample --run runs/one --data 'it'\\''s here'");
    const auto column = lines[1].find("LibTorch");
    for (std::size_t i = 1; i < lines.size(); ++i) {
        BOOST_TEST(lines[i][column - 1] == ' ', lines[i]);
        BOOST_TEST(lines[i][column] != ' ', lines[i]);
    }
}

BOOST_AUTO_TEST_CASE(the_batch_job_is_named) {
    ::setenv("SLURM_JOB_ID", "4711", 1);
    const std::string inside = banner_text(sample(), places({{"n1", "0"}}));
    ::unsetenv("SLURM_JOB_ID");
    const std::string outside = banner_text(sample(), places({{"n1", "0"}}));
    BOOST_TEST(value_of(inside, "batch job") == "4711");
    BOOST_TEST(value_of(outside, "batch job") == "none");
}

BOOST_AUTO_TEST_CASE(long_values_are_wrapped_at_120_columns_but_the_command_stays_whole) {
    Banner banner = sample();
    banner.resume_point = "step 12";
    banner.command.push_back(std::string(200, 'x'));
    std::vector<std::pair<std::string, std::string>> many;
    for (int host = 0; host < 40; ++host) {
        many.emplace_back("node" + std::to_string(host), "0-127");
    }
    const std::string text = banner_text(banner, places(many));
    const auto lines = lines_of(text);
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
        BOOST_TEST(lines[i].size() <= 120u, lines[i]);
    }
    BOOST_TEST(value_of(text, "hosts").ends_with("node38 x1, node39 x1"), text);
    BOOST_TEST(lines.back().ends_with(" " + std::string(200, 'x')), text);
    BOOST_TEST(value_of(text, "resume point") == "step 12");
}

BOOST_AUTO_TEST_CASE(a_name_cannot_drive_the_terminal) {
    Banner banner = sample();
    banner.about = {{"data", "\x1b[2Jgone"}};
    const std::string text = banner_text(banner, places({{"n1", "0"}}));
    BOOST_TEST(value_of(text, "data") == "\\x1b[2Jgone");
}

BOOST_AUTO_TEST_CASE(options_of_the_environment_are_written_out_behind_the_command) {
    std::string data = "default";
    std::string run = "default";
    std::vector<std::string> list;
    OptionTable table("hpml_sample", "Sample");
    table.group("All")
        .add("data", data, "Data")
        .from_environment("HPML_BANNER_DATA")
        .add("run", run, "Run")
        .from_environment("HPML_BANNER_RUN");
    ::setenv("HPML_BANNER_DATA", "from here", 1);
    ::setenv("HPML_BANNER_RUN", "unused", 1);
    const std::array<const char*, 3> argv{"hpml_sample", "--run", "given"};
    const bool runs = table.parse(3, argv.data()) == ParseResult::Run;
    ::unsetenv("HPML_BANNER_DATA");
    ::unsetenv("HPML_BANNER_RUN");
    const std::vector<std::string> expected{"hpml_sample", "--run", "given", "--data", "from here"};
    BOOST_TEST(runs);
    BOOST_TEST(repeatable_command(table, 3, argv.data()) == expected,
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_belongs_to_one_start_is_not_in_the_command_to_go_on_with) {
    const OptionTable table("hpml_sample", "Sample");
    const std::array<const char*, 8> argv{"hpml_sample", "--resume",     "never",
                                          "--run",       "given",        "--break-lock",
                                          "--resume",    "step-00000004"};
    const std::vector<std::string> expected{"hpml_sample", "--run", "given", "--resume",
                                            "step-00000004"};
    BOOST_TEST(repeatable_command(table, 8, argv.data()) == expected,
               boost::test_tools::per_element());
    const std::array<const char*, 2> joined{"hpml_sample", "--resume=never"};
    BOOST_TEST(repeatable_command(table, 2, joined.data()).size() == 1u);
}

BOOST_AUTO_TEST_CASE(every_ranks_place_is_gathered_with_or_without_a_limit) {
    Banner banner = sample();
    banner.cores = "0-1";
    banner.memory_available = Bytes(5);
    const mpi::Communicator alone;
    auto gathered = gather_places(banner, alone);
    BOOST_TEST_REQUIRE(gathered.size() == 1u);
    BOOST_TEST(gathered[0].cores == "0-1");
    BOOST_TEST(!gathered[0].host.empty());
    BOOST_TEST(gathered[0].available.value == 5u);
    BOOST_TEST(!gathered[0].limit.has_value());
    banner.memory_limit = Bytes(9);
    gathered = gather_places(banner, alone);
    BOOST_TEST(gathered[0].limit.value().value == 9u);
}

BOOST_AUTO_TEST_SUITE_END()
