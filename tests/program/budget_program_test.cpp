// Budgets: what ends a run, on all ranks alike, and what a later start makes of it.

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "base/json.h"
#include "program/continuation.h"

using namespace hpml;
using namespace hpml::test;

BOOST_FIXTURE_TEST_SUITE(budget_suite, Continuation)

BOOST_AUTO_TEST_CASE(a_budget_of_time_survives_a_kill) {
    const int killed_at = 30;
    const auto resumes_after = [](int step) {
        return "resuming after step " + std::to_string(step);
    };
    const auto command = [&](double hours) {
        return pretrain_command(2, folder.path(), "hours",
                                "--budget-hours " + std::to_string(hours) +
                                    " --schedule constant --checkpoint-every 5 ");
    };
    const auto killed = run_command("HPML_FAULT=kill@step=" + std::to_string(killed_at) +
                                    ",rank=1,site=step " + command(1));
    BOOST_TEST_REQUIRE(killed.code != 0, killed.output);
    const auto run_seconds = [&] {
        return parse_json(text_of(newest_checkpoint(folder / "hours") / "state.json"), "state.json")
            .at("run_seconds")
            .get<double>();
    };
    const double before = run_seconds();
    // A few steps more are less than what was done, if that is forgotten.
    const auto resumed = run_command(command(1) + "--steps " + std::to_string(killed_at + 5));
    BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
    // The save after the last step may still have been under way.
    BOOST_TEST(
        (resumed.says(resumes_after(killed_at)) || resumed.says(resumes_after(killed_at - 5))),
        resumed.output);
    BOOST_TEST(run_seconds() > before);

    // Two seconds more than what is used up.
    const double budget = run_seconds() + 2;
    const auto last = run_command(command(budget / 3600));
    BOOST_TEST_REQUIRE(last.code == 0, last.output);
    BOOST_TEST(last.says("hours is used up"), last.output);
    BOOST_TEST(run_seconds() >= budget - 0.01);  // as the option's text rounds it
    BOOST_TEST(run_seconds() < budget + 60);

    const auto again = run_command(command(budget / 3600));
    BOOST_TEST(again.code == 0, again.output);
    BOOST_TEST(again.says("is used up already"), again.output);
}

BOOST_AUTO_TEST_CASE(epochs_and_tokens_are_steps) {
    const Json manifest = parse_json(text_of(folder / "data" / "manifest.json"), "manifest");
    std::int64_t rows = 0;
    for (const Json& shard : manifest.at("train")) {
        rows += shard.at("rows").get<std::int64_t>();
    }
    const auto steps = [&](double share) {
        return "all " +
               std::to_string(
                   static_cast<std::int64_t>(std::ceil(share * static_cast<double>(rows) / 12))) +
               " steps done";
    };
    const auto epochs = run_command(pretrain_command(2, folder.path(), "epochs", "--epochs 0.05"));
    BOOST_TEST(epochs.says(steps(0.05)), epochs.output);
    const auto all = manifest.at("train_tokens").get<std::int64_t>();
    const auto tokens = run_command(pretrain_command(
        2, folder.path(), "tokens", "--budget-tokens " + std::to_string(all / 16)));
    BOOST_TEST(tokens.says(steps(1.0 / 16)), tokens.output);
    const auto both =
        run_command(pretrain_command(2, folder.path(), "both", "--budget-tokens 1e9 --steps 3"));
    BOOST_TEST(both.code == 64, both.output);
    const auto least = run_command(
        pretrain_command(2, folder.path(), "least", "--budget-tokens 1000000000 --steps 3"));
    BOOST_TEST(least.says("all 3 steps done"), least.output);
}

BOOST_AUTO_TEST_CASE(a_target_or_an_early_stop_ends_a_run_for_good) {
    const std::string target = pretrain_command(3, folder.path(), "target",
                                                "--steps 30 --validate-every 4 --target-loss 100 "
                                                "--checkpoint-every 2");
    const auto reached = run_command(target);
    BOOST_TEST_REQUIRE(reached.code == 0, reached.output);
    BOOST_TEST(reached.says("finished after step 4"), reached.output);
    BOOST_TEST(reached.says("has reached the target 100"), reached.output);
    // The same command does not go on; a lower target does.
    const auto again = run_command(target);
    BOOST_TEST(again.says("has reached the target 100 already"), again.output);
    const auto lower = run_command(pretrain_command(
        3, folder.path(), "target", "--steps 6 --validate-every 4 --target-loss 0.001"));
    BOOST_TEST(lower.says("all 6 steps done"), lower.output);
    check_steps("target", 6);

    const auto early = run_command(pretrain_command(
        2, folder.path(), "early", "--steps 30 --validate-every 3 --early-stop-loss 0.5"));
    BOOST_TEST_REQUIRE(early.code == 0, early.output);
    BOOST_TEST(early.says("finished after step 3: stopped early"), early.output);
}

BOOST_AUTO_TEST_CASE(validations_are_denser_at_both_ends_when_asked) {
    const auto run = run_command(pretrain_command(
        2, folder.path(), "dense",
        "--steps 20 --validate-every 8 --validate-every-begin 1 --validate-every-end 2"));
    BOOST_TEST_REQUIRE(run.code == 0, run.output);
    for (const int step : {1, 2, 8, 16, 18, 20}) {
        BOOST_TEST(run.says("validation after step " + std::to_string(step) + ":"), run.output);
    }
    BOOST_TEST(!run.says("validation after step 3:"), run.output);
    BOOST_TEST(!run.says("validation after step 4:"), run.output);
}

BOOST_AUTO_TEST_CASE(a_milestone_stays_though_its_step_is_the_last_of_a_start_or_its_save_fails) {
    const std::string options = "--steps 10 --checkpoint-every 2 --keep-checkpoints 1 ";
    const auto run = [&](const std::string& name, int ranks, const std::string& fault,
                         const std::string& more) {
        const auto result =
            run_command("HPML_FAULT=" + fault + " " +
                        pretrain_command(ranks, folder.path(), name, options + more));
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
    };
    // "3: 30 % of the budget", ...: step and milestone of each checkpoint.
    const auto kept = [&](const std::string& name) {
        std::set<std::string> found;
        for (const auto& entry :
             std::filesystem::directory_iterator(folder / name / "checkpoints")) {
            const Json manifest = parse_json(text_of(entry.path() / "MANIFEST.json"), "MANIFEST");
            found.insert(std::to_string(manifest.at("step").get<int>()) + ": " +
                         manifest.value("milestone", "-"));
        }
        return found;
    };
    using Kept = std::set<std::string>;
    const std::string shares = "--milestones 0.3 --milestones 0.5";
    const Kept all = {"3: 30 % of the budget", "5: 50 % of the budget", "10: -"};
    run("straight", 1, "", shares);
    BOOST_TEST(kept("straight") == all, boost::test_tools::per_element());
    run("stopped", 2, "usr1@step=4,rank=1,site=step", shares);  // in the fifth step
    check_steps("stopped", 5);
    run("stopped", 2, "", shares);
    BOOST_TEST(kept("stopped") == all, boost::test_tools::per_element());

    run("failed", 1, "'nospace@site=checkpoint.write,step=5;nospace@site=checkpoint.write,step=8'",
        shares + " --keep-every 4");
    const Kept later = {"3: 30 % of the budget", "4: every 4 steps", "6: 50 % of the budget",
                        "10: every 4 steps"};
    BOOST_TEST(kept("failed") == later, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_decay_needs_an_end) {
    const auto run = run_command(
        pretrain_command(1, folder.path(), "endless", "--budget-hours 1 --schedule cosine"));
    BOOST_TEST(run.code == 64, run.output);
    BOOST_TEST(run.says("--schedule cosine needs to know when the run ends"), run.output);
}

BOOST_AUTO_TEST_SUITE_END()
