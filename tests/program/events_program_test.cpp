// A run's TensorBoard events, read by TensorBoard itself: they say what metrics.jsonl says, also of
// a run that was killed, has left out an update and gone back to a checkpoint.

#include <boost/test/unit_test.hpp>
#include <string>

#include "program/continuation.h"
#include "support/skip.h"

using namespace hpml;
using namespace hpml::test;

namespace {

/// The environment that jobs/bootstrap.sh --peers makes.
constexpr const char* kPython = "\"${XDG_CACHE_HOME:-$HOME/.cache}/hpml/peers/python.sh\" ";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(events_program_suite, Continuation)

BOOST_AUTO_TEST_CASE(tensorboard_reads_of_a_run_what_its_metrics_say) {
    if (run_command(kPython + std::string("-c 'import tensorboard'")).code != 0) {
        not_run("no Python with the package tensorboard; jobs/bootstrap.sh --peers makes one");
        return;
    }
    const auto pretrain = [&](const std::string& faults, const std::string& policy) {
        return run_command("HPML_FAULT='" + faults + "' " +
                           pretrain_command(2, folder.path(), "run",
                                            "--steps 8 --checkpoint-every 2 --validate-every 3 "
                                            "--checkpoint-in-background off --on-non-finite " +
                                                policy));
    };
    const auto killed =
        pretrain("nan@site=gradient,step=2,rank=1;kill@site=step,step=5,rank=0", "skip");
    BOOST_TEST(killed.code != 0);
    const auto ended = pretrain("nan@site=gradient,step=6,rank=1", "rollback");
    BOOST_TEST_REQUIRE(ended.code == 0, ended.output);
    BOOST_TEST(ended.says("resuming after step 4"), ended.output);
    BOOST_TEST(ended.says("back to step 6"), ended.output);
    check_steps("run", 8);

    const std::string check =
        kPython + source("tests/golden/check_events.py") + " " + (folder / "run").string();
    const auto same = run_command(check);
    BOOST_TEST(same.code == 0, same.output);
    // Of each of the 8 steps loss, rate and norm, and the validations after steps 3, 6 and 8.
    BOOST_TEST(same.says("27 values of 4 kinds"), same.output);
    // The script would notice.
    const auto metrics = folder / "run/metrics.jsonl";
    const std::string lines = text_of(metrics);
    write_file(metrics, lines.substr(0, lines.rfind("\"loss\":")) + "\"loss\":1" +
                            lines.substr(lines.find(',', lines.rfind("\"loss\":"))));
    const auto other = run_command(check);
    BOOST_TEST(other.code == 1, other.output);
    BOOST_TEST(other.says("train/loss of step 8: "), other.output);
}

BOOST_AUTO_TEST_SUITE_END()
