// hpml_pretrain on folders of masked files as the predecessors write them.

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <vector>

#include "base/json.h"
#include "program/continuation.h"
#include "program/refusal.h"

using namespace hpml;
using namespace hpml::test;
namespace fs = std::filesystem;

namespace {

void must_run(const std::string& command) {
    const auto result = run_command(command);
    BOOST_TEST_REQUIRE(result.code == 0, result.output);
}

/// The sample as files of academic-budget-bert in "data".
struct MaskedData : Continuation {
    MaskedData() {
        fs::rename(folder / "data", folder / "shards");
        convert(folder / "shards", "academic-budget", folder / "data");
    }

    static void convert(const fs::path& from, const std::string& layout, const fs::path& to) {
        must_run(program("hpml_prepare") + " convert --copies 2 --input " + from.string() +
                 " --to " + layout + " --output " + to.string());
    }

    /// "train" lines of metrics.jsonl in order.
    [[nodiscard]] static std::vector<Json> steps(const fs::path& run) {
        std::vector<Json> found;
        std::ifstream file(run / "metrics.jsonl");
        for (std::string line; std::getline(file, line);) {
            Json json = Json::parse(line);
            if (json.at("kind") == "train") {
                found.push_back(std::move(json));
            }
        }
        return found;
    }
    /// Runs "one" on a rank and "two" on two give the same losses of the same tokens.
    static void check_ranks(const fs::path& place, const std::string& more) {
        must_run(pretrain_command(1, place, "one", more));
        must_run(pretrain_command(2, place, "two", more));
        const auto one = steps(place / "one");
        const auto two = steps(place / "two");
        BOOST_TEST_REQUIRE(one.size() == 8u);
        BOOST_TEST_REQUIRE(two.size() == 8u);
        for (std::size_t i = 0; i < one.size(); ++i) {
            const double a = one[i].at("loss").get<double>();
            BOOST_TEST(std::abs(a - two[i].at("loss").get<double>()) <= 1e-4 * a);
            BOOST_TEST(one[i].at("tokens") == two[i].at("tokens"));
            BOOST_TEST(one[i].at("masked_tokens") == two[i].at("masked_tokens"));
        }
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(masked_data_suite, MaskedData)

BOOST_AUTO_TEST_CASE(a_run_is_the_same_on_one_rank_on_two_and_after_a_kill) {
    // A save in the background may lose against the kill.
    const std::string more =
        "--steps 8 --checkpoint-every 2 --checkpoint-in-background off --dropout 0.1";
    check_ranks(folder.path(), more);
    const auto command = pretrain_command(2, folder.path(), "killed", more);
    BOOST_TEST(run_command("HPML_FAULT=kill@step=3,rank=1,site=step " + command).code != 0);
    const auto resumed = run_command(command);
    BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
    BOOST_TEST(resumed.says("resuming after step 2"), resumed.output);
    check_same("two", "killed", "step-00000008");
    check_steps("killed", 8);
    BOOST_TEST(text_of(folder / "killed/checkpoints/step-00000008/vocab.txt") ==
               text_of(folder / "data/vocab.txt"));
}

BOOST_AUTO_TEST_CASE(pairs_of_nvidia_train_alike_on_one_rank_and_on_two) {
    must_run(program("hpml_prepare") + " --pack pairs --input " + source("data/sample/corpus") +
             " --vocab " + source("data/sample/vocab.txt") +
             " --sequence-length 32 --validation-fraction 0.05 --output " +
             (folder / "pairs").string());
    convert(folder / "pairs", "nvidia", folder / "nvidia/data");
    check_ranks(folder / "nvidia", "--steps 8 --dropout 0.1");
}

BOOST_AUTO_TEST_CASE(a_vocabulary_that_is_not_the_rows_own_is_refused) {
    const std::string words = text_of(folder / "data/vocab.txt");
    write_file(folder / "short.txt", words.substr(0, words.find('\n', 1500) + 1));
    write_file(folder / "moved.txt", "[other]\n" + words);
    const auto with = [&](const std::string& vocabulary) {
        return " --vocab " + (folder / vocabulary).string();
    };
    const auto outside =
        run_command(pretrain_command(2, folder.path(), "short", "--steps 3" + with("short.txt")));
    check_one_error(outside, 65, "the vocabulary ends at");
    BOOST_TEST(outside.says("data/train_shard_"), outside.output);
    BOOST_TEST(outside.says(".hdf5: row "), outside.output);
    const std::string check = program("hpml_check") + " --run r --model " +
                              micro_model(folder.path()) + " --data " + folder.path().string();
    check_one_error(run_command(check + "/data" + with("moved.txt")), 65, ".hdf5: row 0 goes from");
    BOOST_TEST(run_command(check + "/data").says("all checks passed"));
    check_one_error(run_command(check + "/shards" + with("moved.txt")), 64, "leave --vocab out");
}

BOOST_AUTO_TEST_SUITE_END()
