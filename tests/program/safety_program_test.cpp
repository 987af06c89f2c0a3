// Numbers that are not finite, and ranks that no longer hold the same model.

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "program/continuation.h"
#include "program/refusal.h"

using namespace hpml;
using namespace hpml::test;

namespace {

struct Fixture : Continuation {
    [[nodiscard]] std::string steps(const std::string& run, const std::string& more) const {
        return pretrain_command(3, folder.path(), run,
                                "--steps 10 --checkpoint-every 2 --keep-checkpoints 20 " + more);
    }
    [[nodiscard]] static std::string with_fault(const std::string& fault,
                                                const std::string& command) {
        return "HPML_FAULT=" + fault + " " + command;
    }
};

double deviation_of(double value, const std::vector<double>& values) {
    double sum = 0;
    double squares = 0;
    for (const double other : values) {
        sum += other;
        squares += other * other;
    }
    const auto count = static_cast<double>(values.size());
    const double mean = sum / count;
    return (value - mean) / std::sqrt(squares / count - mean * mean);
}

constexpr const char* kPoison = "nan@step=6,rank=2,site=gradient";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(safety_suite, Fixture)

BOOST_AUTO_TEST_CASE(a_gradient_that_is_not_finite_stops_all_ranks_and_is_named) {
    const auto stopped = run_command(with_fault(kPoison, steps("stop", "")));
    BOOST_TEST(stopped.code == 77, stopped.output);
    BOOST_TEST(stopped.says("step 7: loss"), stopped.output);
    BOOST_TEST(stopped.says("not finite on rank 2 (gradient of bert.encoder.layer."),
               stopped.output);
    BOOST_TEST(!stopped.says("rank 0 ("), stopped.output);
    // What was trained before stands.
    const auto resumed = run_command(steps("stop", ""));
    BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
    BOOST_TEST(resumed.says("resuming after step 6"), resumed.output);
}

BOOST_AUTO_TEST_CASE(a_skipped_update_is_skipped_on_every_rank_and_after_a_resume) {
    const std::string skip = "--on-non-finite skip";
    const auto straight = run_command(with_fault(kPoison, steps("straight", skip)));
    BOOST_TEST_REQUIRE(straight.code == 0, straight.output);
    BOOST_TEST(straight.says("the update is left out, 1 of at most 5 in a row"), straight.output);
    const Json state =
        parse_json(text_of(folder / "straight/checkpoints/step-00000010/state.json"), "state");
    BOOST_TEST(state.at("optimizer_steps").get<int>() == 9);
    BOOST_TEST(text_of(folder / "straight" / "metrics.jsonl").find("\"skipped\":true") !=
               std::string::npos);
    const auto killed = run_command(with_fault(
        std::string("'") + kPoison + ";kill@step=7,rank=0,site=step'", steps("killed", skip)));
    BOOST_TEST(killed.code != 0, killed.output);
    const auto resumed = run_command(with_fault(kPoison, steps("killed", skip)));
    BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
    check_same("straight", "killed", "step-00000010");
    check_steps("killed", 10);
}

BOOST_AUTO_TEST_CASE(too_many_skipped_updates_in_a_row_end_the_run) {
    const auto run = run_command(with_fault("nan@rank=1,site=gradient",
                                            steps("many", "--on-non-finite skip --max-skipped 2")));
    BOOST_TEST(run.code == 77, run.output);
    BOOST_TEST(run.says("2 of at most 2 in a row"), run.output);
    BOOST_TEST(run.says("step 3: loss"), run.output);
}

// Overflow belongs to fp16: no fault, but no update, either, and no number for the means.
BOOST_AUTO_TEST_CASE(a_step_that_overflows_fp16_is_shown_as_skipped_and_joins_no_mean) {
    const auto run_to = [&](const std::string& last) {
        return run_command(
            with_fault("nan@step=5,rank=1,site=gradient",
                       pretrain_command(2, folder.path(), "half",
                                        "--precision fp16 --schedule constant --on-non-finite skip "
                                        "--max-skipped 0 --steps " +
                                            last)));
    };
    const auto first = run_to("24");
    BOOST_TEST_REQUIRE(first.code == 0, first.output);
    BOOST_TEST(first.says("step 6: the gradients overflow fp16; the update is left out, the loss "
                          "scale is now "),
               first.output);
    const auto second = run_to("27");  // the means are recalled from the file
    BOOST_TEST_REQUIRE(second.code == 0, second.output);

    std::vector<double> before;
    int scores = 0;
    std::istringstream lines(text_of(folder / "half" / "metrics.jsonl"));
    for (std::string text; std::getline(lines, text);) {
        const Json line = parse_json(text, "line");
        if (line.at("kind") != "train") {
            continue;
        }
        // The first steps may overflow on their own.
        const bool is_skipped = first.says("step " + line.at("step").dump() + ": the gradients");
        BOOST_TEST(line.contains("skipped") == is_skipped, text);
        BOOST_TEST(line.at("grad_norm").is_null() == is_skipped, text);
        BOOST_TEST(line.at("loss").is_number(), text);
        if (is_skipped) {
            continue;
        }
        const auto norm = line.at("grad_norm").get<double>();
        BOOST_TEST(line.contains("grad_norm_z") == (before.size() >= 20), text);
        if (before.size() >= 20) {
            const auto score = deviation_of(norm, before);
            BOOST_TEST(std::abs(line.at("grad_norm_z").get<double>() - score) < 1e-9, text);
            ++scores;
        }
        before.push_back(norm);
    }
    BOOST_TEST(scores > 3);  // of both starts
}

BOOST_AUTO_TEST_CASE(the_loss_scale_is_as_its_options_say) {
    const std::string half = "--precision fp16 --checkpoint-every 2 --schedule constant ";
    const auto run = run_command(
        with_fault("'nan@step=2,rank=0,site=gradient;nan@step=3,rank=1,site=gradient'",
                   pretrain_command(2, folder.path(), "scale",
                                    half + "--steps 10 --loss-scale-init 64 --loss-scale-window 2 "
                                           "--loss-scale-hysteresis 2 --loss-scale-min 8")));
    BOOST_TEST_REQUIRE(run.code == 0, run.output);
    // 64, doubled after two steps; the first overflow is forgiven, the second is not.
    BOOST_TEST(run.says("step 3: the gradients overflow fp16; the update is left out, the loss "
                        "scale is now 128"),
               run.output);
    BOOST_TEST(run.says("step 4: the gradients overflow fp16; the update is left out, the loss "
                        "scale is now 64"),
               run.output);
    const auto scale_at = [&](const std::string& step) {
        const auto file = folder / "scale/checkpoints" / step / "state.json";
        return parse_json(text_of(file), "state").at("loss_scale").at("scale").get<double>();
    };
    BOOST_TEST(scale_at("step-00000010") == 512.0);
    // Those who read checkpoints find every key in the documentation.
    const Json state =
        parse_json(text_of(folder / "scale/checkpoints/step-00000010/state.json"), "state");
    const std::string manual =
        text_of(std::filesystem::path(HPML_SOURCE_DIR) / "jobs" / "README.md");
    const std::string table = manual.substr(manual.find("### state.json of a checkpoint"));
    for (const Json& keys : {state, state.at("loss_scale"), state.at("settings")}) {
        for (const auto& [key, value] : keys.items()) {
            BOOST_TEST(table.find("`" + key + "`") != std::string::npos, key);
        }
    }
    // A resume keeps the scale, and says what has changed about it.
    const auto resumed = run_command(pretrain_command(
        2, folder.path(), "scale", half + "--steps 11 --loss-scale-init 16 --loss-scale-min 2"));
    BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
    BOOST_TEST(resumed.says("loss_scale_min 8.0 -> 2.0"), resumed.output);
    BOOST_TEST(scale_at("step-00000011") == 512.0);
    // At its least it ends the run.
    const auto least = run_command(
        with_fault("nan@rank=1,site=gradient",
                   pretrain_command(2, folder.path(), "least",
                                    half + "--steps 10 --loss-scale-init 16 --loss-scale-min 8")));
    BOOST_TEST(least.code == 77, least.output);
    BOOST_TEST(least.says("not finite at the least loss scale, 8"), least.output);
}

// The scale falls to its least after three overflows. There, three in a row end the run: two with a
// good step behind them do not, and those before a stop count.
BOOST_AUTO_TEST_CASE(so_many_overflows_in_a_row_at_the_least_loss_scale_end_the_run) {
    const std::string command =
        pretrain_command(2, folder.path(), "floor",
                         "--precision fp16 --schedule constant --steps 12 --loss-scale-init 16 "
                         "--loss-scale-min 8 --loss-scale-hysteresis 3");
    std::string overflows;
    for (const char* step : {"0", "1", "2", "3", "4", "6", "7", "8"}) {
        overflows += std::string("nan@rank=1,site=gradient,step=") + step + ";";
    }
    const auto stopped =
        run_command(with_fault("'" + overflows + "term@rank=0,site=step,step=7'", command));
    BOOST_TEST_REQUIRE(stopped.code == 0, stopped.output);
    BOOST_TEST(stopped.says("interrupted after step 8"), stopped.output);
    BOOST_TEST(stopped.count("the loss scale is now 16") == 2, stopped.output);
    BOOST_TEST(stopped.count("the loss scale is now 8") == 5, stopped.output);
    const auto ended = run_command(with_fault("'" + overflows + "'", command));
    check_one_error(ended, 77, "not finite at the least loss scale, 8, in 3 steps in a row");
    BOOST_TEST(ended.says("use --precision bf16 or fp32"), ended.output);
    const auto resumed = run_command(command);
    BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
    BOOST_TEST(resumed.says("resuming after step 8"), resumed.output);
    check_steps("floor", 12);
}

BOOST_AUTO_TEST_CASE(a_rollback_goes_on_with_later_data) {
    const std::string back = "--on-non-finite rollback";
    const auto run =
        run_command(with_fault("nan@step=7,rank=1,site=gradient", steps("back", back)));
    BOOST_TEST_REQUIRE(run.code == 0, run.output);
    BOOST_TEST(run.says("back to step 6, and on with the data behind it (1 of at most 3 times)"),
               run.output);
    const Json state =
        parse_json(text_of(folder / "back/checkpoints/step-00000010/state.json"), "state");
    BOOST_TEST(state.at("data_shift").get<int>() == 2);
    BOOST_TEST(state.at("samples").get<int>() == 12 * 12);
    check_steps("back", 10);
    // Nothing to go back to.
    const auto none = run_command(with_fault("nan@step=1,site=gradient", steps("none", back)));
    BOOST_TEST(none.code == 77, none.output);
}

BOOST_AUTO_TEST_CASE(a_flipped_bit_in_a_replica_is_found_and_its_rank_named) {
    const auto run = run_command(
        with_fault("flip@step=4,rank=1,site=replica", steps("flip", "--check-replicas-every 2")));
    BOOST_TEST(run.code == 79, run.output);
    BOOST_TEST(run.says("after step 4 the parameters of rank 1 on "), run.output);
    const auto resumed = run_command(steps("flip", "--check-replicas-every 1"));
    BOOST_TEST(resumed.code == 0, resumed.output);
}

BOOST_AUTO_TEST_SUITE_END()
