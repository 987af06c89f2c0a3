// hpml_pretrain as a user starts it: what a run leaves behind, on several rank counts.

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <map>

#include "base/json.h"
#include "program/sample.h"

using namespace hpml;
using namespace hpml::test;

namespace {

struct Fixture {
    ScratchFolder folder{"pretrain"};
    Fixture() { prepare_sample(folder / "data"); }

    /// "train" lines of metrics.jsonl by step.
    [[nodiscard]] std::map<std::int64_t, Json> steps(const std::string& run) const {
        std::map<std::int64_t, Json> found;
        std::ifstream file(folder / run / "metrics.jsonl");
        for (std::string line; std::getline(file, line);) {
            Json json = Json::parse(line);
            if (json.at("kind") == "train") {
                found[json.at("step").get<std::int64_t>()] = json;
            }
        }
        return found;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pretrain_suite, Fixture)

BOOST_AUTO_TEST_CASE(the_loss_does_not_depend_on_the_number_of_ranks) {
    for (const int ranks : {1, 2, 3, 4}) {
        const auto result = run_command(pretrain_command(
            ranks, folder.path(), std::to_string(ranks), "--steps 20 --dropout 0.1"));
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
    }
    const auto one = steps("1");
    BOOST_TEST_REQUIRE(one.size() == 20u);
    for (const std::string ranks : {"2", "3", "4"}) {
        const auto several = steps(ranks);
        BOOST_TEST_REQUIRE(several.size() == 20u);
        for (const auto& [step, json] : one) {
            const double a = json.at("loss").get<double>();
            const double b = several.at(step).at("loss").get<double>();
            BOOST_TEST(std::abs(a - b) <= 1e-4 * a,
                       "step " << step << " on " << ranks << " ranks: " << a << " and " << b);
            BOOST_TEST(json.at("tokens") == several.at(step).at("tokens"));
            BOOST_TEST(json.at("masked_tokens") == several.at(step).at("masked_tokens"));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_run_leaves_what_the_documentation_promises) {
    const auto result = run_command(pretrain_command(
        2, folder.path(), "run",
        "--steps 12 --checkpoint-every 4 --validate-every 4 --keep-checkpoints 2"));
    BOOST_TEST_REQUIRE(result.code == 0, result.output);
    for (const char* file : {"config.cfg", "metrics.jsonl", "status.json", "log.txt"}) {
        BOOST_TEST(std::filesystem::exists(folder / "run" / file), file);
    }
    const auto checkpoint = folder / "run" / "checkpoints" / "step-00000012";
    for (const char* file :
         {"model.safetensors", "optimizer.safetensors", "state.json", "config.json", "vocab.txt",
          "tokenizer_config.json", "MANIFEST.json"}) {
        BOOST_TEST(std::filesystem::exists(checkpoint / file), file);
    }
    BOOST_TEST(std::filesystem::exists(folder / "run" / "checkpoints" / "step-00000008"));
    BOOST_TEST(!std::filesystem::exists(folder / "run" / "checkpoints" / "step-00000004"));
    BOOST_TEST(
        run_command(program("hpml_status") + " --brief " + (folder / "run").string()).output ==
        "finished\n");

    const auto again = run_command(pretrain_command(
        2, folder.path(), "run",
        "--steps 12 --checkpoint-every 4 --validate-every 4 --keep-checkpoints 2"));
    BOOST_TEST(again.code == 0, again.output);
    BOOST_TEST(again.says("all 12 steps done"));
}

BOOST_AUTO_TEST_CASE(every_optimizer_lowers_the_loss_and_every_all_reduce_serves) {
    const std::map<std::string, std::string> rates{
        {"adam", "2e-3"}, {"adamw", "2e-3"}, {"lamb", "5e-2"}, {"adafactor", "2e-3"}};
    for (const auto& [optimizer, rate] : rates) {
        const auto result = run_command(
            mpirun(2) + program("hpml_pretrain") + " --data " + (folder / "data").string() +
            " --run " + (folder / optimizer).string() + " --model " + micro_model(folder.path()) +
            " --optimizer " + optimizer + " --learning-rate " + rate +
            " --warmup 5 --steps 60 --global-batch 32 --dropout 0 --threads 1 --allreduce mpi");
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
        const auto losses = steps(optimizer);
        BOOST_TEST(
            losses.at(60).at("loss").get<double>() < losses.at(1).at("loss").get<double>() - 0.5,
            optimizer);
    }
}

BOOST_AUTO_TEST_CASE(validation_and_logging_do_not_change_the_weights) {
    BOOST_TEST_REQUIRE(run_command(pretrain_command(3, folder.path(), "quiet", "--steps 6")).code ==
                       0);
    BOOST_TEST_REQUIRE(
        run_command(
            pretrain_command(3, folder.path(), "busy",
                             "--steps 6 --validate-every 1 --checkpoint-every 1 --log-every 1 "
                             "--prefetch 0"))
            .code == 0);
    const auto file = [&](const std::string& run) {
        std::ifstream stream(folder / run / "checkpoints" / "step-00000006" / "model.safetensors",
                             std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(stream), {});
    };
    BOOST_TEST((file("quiet") == file("busy")));
}

BOOST_AUTO_TEST_CASE(a_time_limit_is_a_planned_stop) {
    const auto result = run_command(
        pretrain_command(2, folder.path(), "short", "--steps 1000000 --max-hours 0.0015"));
    BOOST_TEST(result.code == 0, result.output);
    BOOST_TEST(result.says("interrupted after step"), result.output);
    BOOST_TEST(
        run_command(program("hpml_status") + " --brief " + (folder / "short").string()).output ==
        "interrupted\n");
}

BOOST_AUTO_TEST_CASE(a_profile_counts_the_operators_of_both_passes_and_of_the_update) {
    const auto result =
        run_command(pretrain_command(2, folder.path(), "profiled", "--steps 5 --profile 2"));
    BOOST_TEST(result.code == 0, result.output);
    BOOST_TEST(result.says("profile of 2 steps"), result.output);
    const auto calls = [&](const std::string& name) -> std::int64_t {
        const auto at = result.output.find("\n  " + name + " ");
        return at == std::string::npos ? 0 : std::stoll(result.output.substr(at + 3 + name.size()));
    };
    // Of each step 6 micro-batches on a rank, of each of them 2 layers. What takes least is in the
    // line of the others.
    BOOST_TEST(calls("hpml::attention") == 2 * 6 * 2, result.output);
    BOOST_TEST(calls("hpml::attention_backward") == 2 * 6 * 2, result.output);
    BOOST_TEST(calls("hpml::all_reduce_wait") == 2, result.output);
    BOOST_TEST(calls("hpml::optimizer_step") == 2, result.output);
    BOOST_TEST(calls("hpml::linear") > 2 * 6 * 2 * 4, result.output);
}

BOOST_AUTO_TEST_CASE(a_stop_signal_to_any_rank_is_a_planned_stop) {
    for (const std::string signal : {"usr1", "usr2", "hup", "term"}) {
        for (const std::string rank : {"0", "2"}) {
            if ((signal == "usr2" || signal == "hup") && rank == "0") {
                continue;  // every signal and every rank, but not every pair
            }
            const std::string run = signal + rank;
            const auto result =
                run_command("HPML_FAULT=" + signal + "@step=3,site=step,rank=" + rank + " " +
                            pretrain_command(3, folder.path(), run, "--steps 9"));
            BOOST_TEST(result.code == 0, result.output);
            BOOST_TEST(result.says("interrupted after step 4: a signal asked to stop"),
                       result.output);
        }
    }
}

BOOST_AUTO_TEST_CASE(sigusr1_to_mpirun_is_a_planned_stop) {
    const auto result =
        run_command(pretrain_command(2, folder.path(), "signal", "--steps 1000000") +
                    " & child=$!; for i in $(seq 500); do sleep 0.2; "
                    "grep -q train " +
                    (folder / "signal" / "metrics.jsonl").string() +
                    " 2>/dev/null && break; done; kill -USR1 $child; wait $child");
    BOOST_TEST(result.code == 0, result.output);
    BOOST_TEST(result.says("a signal asked to stop"), result.output);
}

BOOST_AUTO_TEST_SUITE_END()
