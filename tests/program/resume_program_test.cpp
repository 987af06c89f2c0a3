// Exact continuation: steps in one go, or in pieces with a SIGKILL between, give the same bytes.

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sstream>

#include "base/hash.h"
#include "program/sample.h"

using namespace hpml;
using namespace hpml::test;

namespace {

struct Fixture {
    ScratchFolder folder{"resume"};
    Fixture() { prepare_sample(folder / "data"); }

    [[nodiscard]] std::string digest(const std::string& run, const std::string& step,
                                     const std::string& file) const {
        return hash_file(folder / run / "checkpoints" / step / file).hex();
    }
    /// `step-00000010` of two runs, byte for byte.
    void check_same(const std::string& a, const std::string& b) const {
        for (const char* file : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
            BOOST_TEST(digest(a, "step-00000010", file) == digest(b, "step-00000010", file), file);
        }
    }
};

std::string metrics(const std::filesystem::path& run) {
    std::ifstream file(run / "metrics.jsonl");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(resume_suite, Fixture)

BOOST_AUTO_TEST_CASE(a_run_killed_at_several_steps_continues_to_the_same_bytes_on_three_ranks) {
    const std::string more = "--steps 10 --checkpoint-every 2 --keep-checkpoints 20";
    const auto straight = run_command(pretrain_command(3, folder.path(), "straight", more));
    BOOST_TEST_REQUIRE(straight.code == 0, straight.output);

    for (const std::string k : {"1", "4", "7"}) {
        const std::string run = "killed-" + k;
        const auto killed = run_command("HPML_FAULT=kill@step=" + k + ",rank=1 " +
                                        pretrain_command(3, folder.path(), run, more));
        BOOST_TEST(killed.code != 0);
        const auto resumed = run_command(pretrain_command(3, folder.path(), run, more));
        BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
        BOOST_TEST(resumed.says("resuming after step") == (k != "1"));
        check_same("straight", run);
        std::int64_t expected = 1;
        std::istringstream lines(metrics(folder / run));
        for (std::string line; std::getline(lines, line);) {
            if (line.find("\"train\"") != std::string::npos) {
                BOOST_TEST(
                    line.find("\"step\":" + std::to_string(expected) + ",") != std::string::npos,
                    line);
                ++expected;
            }
        }
        BOOST_TEST(expected == 11);
    }
}

BOOST_AUTO_TEST_CASE(a_chain_of_planned_stops_gives_the_same_bytes) {
    const std::string more = "--steps 10 --keep-checkpoints 20";
    BOOST_TEST_REQUIRE(run_command(pretrain_command(3, folder.path(), "one", more)).code == 0);
    const auto first = run_command("HPML_FAULT=term@step=3,rank=2 " +
                                   pretrain_command(3, folder.path(), "two", more));
    BOOST_TEST(first.code == 0, first.output);
    BOOST_TEST(first.says("interrupted after step 4"), first.output);
    BOOST_TEST(run_command(program("hpml_status") + " --brief " + (folder / "two").string())
                   .says("interrupted"));
    BOOST_TEST(run_command(pretrain_command(3, folder.path(), "two", more)).code == 0);
    check_same("one", "two");
}

// A comparison that cannot fail proves nothing: another seed must give other bytes.
BOOST_AUTO_TEST_CASE(another_seed_gives_other_bytes) {
    std::string other = pretrain_command(2, folder.path(), "b", "--steps 10");
    other.replace(other.find("--seed 7"), 8, "--seed 8");
    BOOST_TEST_REQUIRE(run_command(pretrain_command(2, folder.path(), "a", "--steps 10")).code ==
                       0);
    BOOST_TEST_REQUIRE(run_command(other).code == 0);
    BOOST_TEST(digest("a", "step-00000010", "model.safetensors") !=
               digest("b", "step-00000010", "model.safetensors"));
}

BOOST_AUTO_TEST_SUITE_END()
