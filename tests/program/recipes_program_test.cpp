// The recipes in jobs/, and what they are made of: optimizers, schedules, growing batches, a second
// phase. Each is interrupted and goes on to the same bits.

#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "program/continuation.h"

using namespace hpml;
using namespace hpml::test;
namespace data = boost::unit_test::data;
namespace fs = std::filesystem;

namespace {

/// Every .cfg of jobs/ that is for hpml_pretrain.
std::vector<std::string> recipes() {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(source("jobs"))) {
        const std::string name = entry.path().filename().string();
        if (name.ends_with(".cfg") && name.find("finetune") == std::string::npos) {
            found.push_back(name);
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(recipes_suite, Continuation)

BOOST_AUTO_TEST_CASE(every_recipe_passes_the_check_and_names_its_source) {
    const auto all = recipes();
    BOOST_TEST(all.size() >= 12u);
    for (const std::string& name : all) {
        const std::string text = text_of(source("jobs/" + name));
        BOOST_TEST((text.find("Source:") != std::string::npos ||
                    text.find(" et al.") != std::string::npos),
                   name << " must say where it comes from");
        const auto result =
            run_command(program("hpml_check") + " --config " + source("jobs/" + name) + " --data " +
                        (folder / "data").string() + " --run " + (folder / "run").string() +
                        " --keep-checkpoints 1 --ranks 2 --little-space warn");
        BOOST_TEST(result.code == 0, name << ": " << result.output);
    }
}

BOOST_DATA_TEST_CASE(a_resumed_run_ends_in_the_same_bits,
                     data::make({"--optimizer adamw --first-moment bf16 --schedule one_cycle",
                                 "--optimizer sgd --momentum 0.9 --nesterov on --schedule step "
                                 "--decay-step 3 --decay-rate 0.5 --warmup 2",
                                 "--optimizer muon --schedule wsd --warmup 2",
                                 "--optimizer adafactor --adafactor-momentum on --schedule "
                                 "exponential --warmup-proportion 0.2 --warmup-curve exp",
                                 "--optimizer lamb --use-nvlamb off --max-grad-norm 0.5 "
                                 "--batch-ramp 4 --batch-ramp-sequences 24 --warmup 2"}),
                     options) {
    const auto command = [&](const std::string& run, const std::string& more) {
        return mpirun(2) + program("hpml_pretrain") + " --data " + (folder / "data").string() +
               " --run " + (folder / run).string() + " --model " + micro_model(folder.path()) +
               " --learning-rate 1e-3 --global-batch 12 --micro-batch 2 --threads 1 --steps 10"
               " --checkpoint-every 4 --checkpoint-in-background off --seed 7 " +
               options + more;
    };
    const auto straight = run_command(command("straight", ""));
    BOOST_TEST_REQUIRE(straight.code == 0, straight.output);
    if (std::string(options).find("--warmup-proportion 0.2") != std::string::npos) {
        BOOST_TEST(straight.says("exponential, warm-up of 20 % of the steps; 10 steps"),
                   straight.output);
    }
    const auto killed =
        run_command("HPML_FAULT=kill@step=6,rank=1,site=step " + command("killed", ""));
    BOOST_TEST(killed.code != 0);
    const auto resumed = run_command(command("killed", ""));
    BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
    BOOST_TEST(resumed.says("resuming after step 4"), resumed.output);
    check_same("straight", "killed", "step-00000010");
}

BOOST_AUTO_TEST_CASE(a_growing_batch_counts_its_sequences) {
    const auto result = run_command(pretrain_command(
        2, folder.path(), "ramp",
        "--batch-ramp 4 --batch-ramp-increment 4 --batch-ramp-sequences 16 --steps 5"));
    BOOST_TEST_REQUIRE(result.code == 0, result.output);
    const Json state =
        parse_json(text_of(newest_checkpoint(folder / "ramp") / "state.json"), "state.json");
    BOOST_TEST(state.at("samples").get<int>() == 4 + 4 + 8 + 12 + 12);
    BOOST_TEST(result.says("12 sequences = 2 ranks x 6 micro-batches of 1, at first 4"),
               result.output);
    BOOST_TEST(result.says("lamb, learning rate 0.005 linear, warm-up of 2 steps; 5 steps"),
               result.output);
    const auto refused =
        run_command(pretrain_command(2, folder.path(), "no-ramp", "--batch-ramp 5 --steps 5"));
    BOOST_TEST(refused.code == 64, refused.output);
    BOOST_TEST(refused.says("--batch-ramp"), refused.output);
}

BOOST_AUTO_TEST_CASE(a_second_phase_begins_with_weights_and_moments_at_step_0) {
    const auto first = run_command(pretrain_command(2, folder.path(), "one", "--steps 4"));
    BOOST_TEST_REQUIRE(first.code == 0, first.output);
    const std::string from = " --init-from " + (folder / "one").string();
    const auto begin = [&](const std::string& run, const std::string& more) {
        const auto result =
            run_command(pretrain_command(2, folder.path(), run, "--steps 0" + more));
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
    };
    begin("two", from + " --init-moments");
    begin("weights", from);
    begin("drawn", "");
    const auto same = [&](const std::string& run, const std::string& file) {
        return digest("one", "step-00000004", file) == digest(run, "step-00000000", file);
    };
    BOOST_TEST(same("two", "model.safetensors"));
    BOOST_TEST(same("two", "optimizer.safetensors"));
    BOOST_TEST(same("weights", "model.safetensors"));
    BOOST_TEST(!same("weights", "optimizer.safetensors"));
    BOOST_TEST(!same("drawn", "model.safetensors"));
    const auto nothing = run_command(pretrain_command(
        2, folder.path(), "nothing", "--steps 3 --init-from " + (folder / "none").string()));
    BOOST_TEST(nothing.code == 65, nothing.output);
    BOOST_TEST(nothing.says("--init-from"), nothing.output);
}

BOOST_AUTO_TEST_CASE(the_validation_is_the_same_for_every_seed) {
    BOOST_TEST_REQUIRE(run_command(pretrain_command(1, folder.path(), "one", "--steps 2")).code ==
                       0);
    // The first step of the warm-up moves no weight.
    const auto losses = [&](const std::string& seed) {
        std::string line = pretrain_command(
            1, folder.path(), "seed-" + seed,
            "--steps 2 --validate-every 1 --init-from " + (folder / "one").string());
        const std::string given = "--seed 7";
        line.replace(line.find(given), given.size(), "--seed " + seed);
        const auto result = run_command(line);
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
        std::pair<double, double> found;
        std::istringstream lines(text_of(folder / ("seed-" + seed) / "metrics.jsonl"));
        for (std::string text; std::getline(lines, text);) {
            const Json record = parse_json(text, "metrics.jsonl");
            if (record.value("step", 0) != 1) {
                continue;
            }
            if (record.at("kind") == "train") {
                found.first = record.at("loss").get<double>();
            } else if (record.at("kind") == "validation") {
                found.second = record.at("validation_loss").get<double>();
            }
        }
        return found;
    };
    const auto one = losses("1");
    const auto two = losses("2");
    BOOST_TEST(one.first != two.first);
    BOOST_TEST(one.second > 1.0);
    BOOST_TEST(one.second == two.second);
}

BOOST_AUTO_TEST_SUITE_END()
