// What a start may change in a run directory, and when there is nothing to do.

#include <boost/test/unit_test.hpp>
#include <map>

#include "base/file.h"
#include "base/hash.h"
#include "program/sample.h"

using namespace hpml;
using namespace hpml::test;

namespace {

namespace fs = std::filesystem;

struct Fixture {
    ScratchFolder folder{"run"};
    Fixture() { prepare_sample(folder / "data"); }

    [[nodiscard]] CommandResult pretrain(const std::string& more) const {
        return run_command(pretrain_command(2, folder.path(), "run", more));
    }
    [[nodiscard]] std::string verdict() const {
        return run_command(program("hpml_status") + " --brief " + (folder / "run").string()).output;
    }
    [[nodiscard]] std::string checkpoint(const std::string& step) const {
        return (folder / "run" / "checkpoints" / step).string();
    }
    /// The hash of every file whose content describes the run, by name; the lock, the count of
    /// starts and the log tell of every start.
    [[nodiscard]] std::map<std::string, std::string> content() const {
        std::map<std::string, std::string> found;
        for (const auto& entry : fs::recursive_directory_iterator(folder / "run")) {
            const std::string name = entry.path().filename().string();
            if (entry.is_regular_file() && name != "run.lock" && name != "run_generation" &&
                name != "log.txt") {
                found[entry.path().string()] = hash_file(entry.path()).hex();
            }
        }
        return found;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(run_suite, Fixture)

BOOST_AUTO_TEST_CASE(fewer_steps_than_are_done_is_finished_and_changes_no_checkpoint) {
    BOOST_TEST_REQUIRE(pretrain("--steps 8 --checkpoint-every 4").code == 0);
    const auto again = pretrain("--steps 6 --checkpoint-every 4");
    BOOST_TEST(again.code == 0, again.output);
    BOOST_TEST(again.says("all 6 steps done already"), again.output);
    BOOST_TEST(verdict() == "finished\n");
    BOOST_TEST(fs::exists(checkpoint("step-00000008")));
}

BOOST_AUTO_TEST_CASE(a_finished_run_is_neither_validated_nor_saved_again) {
    BOOST_TEST_REQUIRE(pretrain("--steps 4").code == 0);
    const auto count = [&] {
        const std::string text = read_text(folder / "run" / "metrics.jsonl");
        const CommandResult lines{0, text};
        return lines.count("\"validation\"");
    };
    BOOST_TEST(count() == 1);
    const auto again = pretrain("--steps 4");
    BOOST_TEST(again.code == 0);
    BOOST_TEST(again.says("all 4 steps done already"), again.output);
    BOOST_TEST(count() == 1);
}

BOOST_AUTO_TEST_CASE(a_start_with_other_settings_leaves_the_run_as_it_was) {
    BOOST_TEST_REQUIRE(pretrain("--steps 4").code == 0);
    const auto before = content();
    const auto other = run_command(
        mpirun(2) + program("hpml_pretrain") + " --data " + (folder / "data").string() + " --run " +
        (folder / "run").string() + " --model tiny --steps 4 --global-batch 12 --optimizer lamb");
    BOOST_TEST(other.code == 78, other.output);
    BOOST_TEST((content() == before));
    BOOST_TEST(verdict() == "finished\n");
}

BOOST_AUTO_TEST_CASE(resume_never_refuses_any_content_and_adds_nothing) {
    write_file(folder / "notes", "");
    fs::create_directories(folder / "run");
    write_file(folder / "run" / "notes.txt", "mine");
    const auto result = pretrain("--steps 2 --resume never");
    BOOST_TEST(result.code == 64, result.output);
    BOOST_TEST(result.says("is not empty"), result.output);
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder / "run")) {
        ++files;
    }
    BOOST_TEST(files == 1U);
    fs::remove(folder / "run" / "notes.txt");
    BOOST_TEST(pretrain("--steps 2 --resume never").code == 0);
}

BOOST_AUTO_TEST_CASE(an_older_checkpoint_goes_on_in_another_run_only) {
    BOOST_TEST_REQUIRE(pretrain("--steps 8 --checkpoint-every 4").code == 0);
    const auto before = content();
    const auto mixed = pretrain("--steps 8 --resume " + checkpoint("step-00000004"));
    BOOST_TEST(mixed.code == 64, mixed.output);
    BOOST_TEST(mixed.says("two histories"), mixed.output);
    BOOST_TEST((content() == before));
    const auto branch = run_command(pretrain_command(
        2, folder.path(), "branch", "--steps 8 --resume " + checkpoint("step-00000004")));
    BOOST_TEST(branch.code == 0, branch.output);
    const auto digest = [&](const char* run) {
        return hash_file(folder / run / "checkpoints" / "step-00000008" / "model.safetensors")
            .hex();
    };
    BOOST_TEST(digest("run") == digest("branch"));
}

BOOST_AUTO_TEST_CASE(the_same_branching_command_again_goes_on_in_the_branch) {
    BOOST_TEST_REQUIRE(pretrain("--steps 8 --checkpoint-every 4").code == 0);
    // A slash at the end, as completion on a command line leaves it.
    const std::string more = "--steps 8 --resume " + checkpoint("step-00000004") + "/";
    const auto stopped = run_command("HPML_FAULT=term@step=5,rank=1,site=step " +
                                     pretrain_command(2, folder.path(), "branch", more));
    BOOST_TEST_REQUIRE(stopped.code == 0, stopped.output);
    BOOST_TEST(stopped.says("resume point     step-00000004"), stopped.output);
    BOOST_TEST(stopped.says("interrupted after step 6"), stopped.output);
    const auto again = run_command(pretrain_command(2, folder.path(), "branch", more));
    BOOST_TEST(again.code == 0, again.output);
    BOOST_TEST(again.says("resuming after step 6"), again.output);
    BOOST_TEST(again.says("all 8 steps done"), again.output);
}

BOOST_AUTO_TEST_CASE(a_validation_that_was_cut_off_is_made_up_for) {
    for (const std::string step : {"4", "8"}) {  // in the middle, and the last one
        fs::remove_all(folder / "run");
        const std::string more = "--steps 8 --validate-every 4 --checkpoint-every 4";
        const auto cut = run_command("HPML_FAULT=term@site=validate,rank=1,step=" + step + " " +
                                     pretrain_command(2, folder.path(), "run", more));
        BOOST_TEST_REQUIRE(cut.code == 0, cut.output);
        BOOST_TEST(cut.says("interrupted after step " + step), cut.output);
        BOOST_TEST(!cut.says("validation after step " + step), cut.output);
        BOOST_TEST(fs::exists(checkpoint("step-0000000" + step)));
        const auto again = pretrain(more);
        BOOST_TEST(again.code == 0, again.output);
        BOOST_TEST(again.says("validation after step " + step), again.output);
        BOOST_TEST(again.says("finished after step 8"), again.output);
    }
}

BOOST_AUTO_TEST_CASE(a_warning_signal_during_the_start_is_a_planned_stop) {
    const auto result = run_command("HPML_FAULT=term@site=start,rank=0 " +
                                    pretrain_command(2, folder.path(), "early", "--steps 1000000"));
    BOOST_TEST(result.code == 0, result.output);
    BOOST_TEST(result.says("interrupted after step"), result.output);
}

BOOST_AUTO_TEST_SUITE_END()
