// Disks that are really full: a small file system of its own, mounted where only the test sees it.

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <utility>

#include "base/hash.h"
#include "program/sample.h"

using namespace hpml;
using namespace hpml::test;

namespace fs = std::filesystem;

namespace {

/// One job in the run directory `disk/run`, on a file system that is too small.
struct SmallDisk {
    std::string mount_options;
    std::string before;     ///< commands before the job starts
    std::string meanwhile;  ///< commands while the job sleeps, before step 6
    std::string options;    ///< of hpml_pretrain
};

struct Fixture {
    ScratchFolder folder{"disk"};
    /// A private mount namespace; without root, one in which this user is root.
    std::string unshare =
        ::geteuid() == 0 ? "unshare --mount " : "unshare --mount --map-root-user ";

    [[nodiscard]] bool can_mount() const {
        fs::create_directories(folder / "disk");
        if (run_command(unshare + "mount -t tmpfs -o size=1m none " + (folder / "disk").string())
                .code == 0) {
            return true;
        }
        not_run("no private mount namespace here, so no small disk to fill");
        return false;
    }
    /// The job on 3 ranks; its exit code, and `disk/run` copied to `seen`.
    [[nodiscard]] CommandResult run_on(const SmallDisk& disk) const {
        const std::string job = "HPML_FAULT=stop@step=5,rank=0,site=step " +
                                pretrain_command(3, folder.path(), "disk/run", disk.options) +
                                " & job=$!\n";
        const std::string wait_until_it_sleeps =
            "for i in $(seq 600); do\n"
            "  kill -0 $job || break\n"
            "  pid=$(sed -n 's/.*\"pid\": \\([0-9]*\\).*/\\1/p' disk/run/status.json || true)\n"
            "  [ \"$(cut -d ' ' -f 3 /proc/$pid/stat)\" != T ] || break\n"
            "  sleep 0.1\n"
            "done 2> waiting\n";
        write_file(folder / "script",
                   "set -e; cd " + folder.path().string() + "; mount -t tmpfs -o " +
                       disk.mount_options + " none disk; mkdir disk/run\n" + disk.before + "\n" +
                       job + wait_until_it_sleeps + disk.meanwhile +
                       "\nkill -CONT $pid || true; code=0; wait $job || code=$?\n"
                       "cp -r disk/run seen; exit $code\n");
        return run_command(unshare + "bash " + (folder / "script").string());
    }
    [[nodiscard]] std::string weights(const fs::path& run, const std::string& step) const {
        return hash_file(folder / run / "checkpoints" / step / "model.safetensors").hex();
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(disk_suite, Fixture)

// Blocks that run out are foreseen before the first byte; file numbers run out in the middle of the
// writing.
BOOST_AUTO_TEST_CASE(a_full_disk_costs_one_checkpoint_and_not_the_run) {
    if (!can_mount()) {
        return;
    }
    prepare_sample(folder / "data");
    const std::string options =
        "--steps 8 --checkpoint-every 2 --keep-checkpoints 9 --little-space warn "
        "--checkpoint-in-background off";  // so that the save is through when the disk grows
    BOOST_TEST_REQUIRE(
        run_command(pretrain_command(3, folder.path(), "undisturbed", options)).code == 0);
    struct Shortage {
        std::string small;
        std::string large;
        std::string message;
    };
    for (const auto& [small, large, message] :
         {Shortage{"size=3800k", "size=32m", "no space left on"},
          Shortage{"size=32m,nr_inodes=20", "nr_inodes=200", "No space left on device"}}) {
        fs::remove_all(folder / "seen");
        const auto result =
            run_on({.mount_options = small,
                    .before = "",
                    .meanwhile =
                        "ls -A disk/run/checkpoints > listed\nmount -o remount," + large + " disk",
                    .options = options});
        BOOST_TEST_REQUIRE(result.code == 0, small << ": " << result.output);
        BOOST_TEST(result.count("training goes on") == 1, result.output);
        BOOST_TEST(result.says(message), result.output);
        // While the disk was full: the old checkpoint, and nothing half-written.
        BOOST_TEST(run_command("cat " + (folder / "listed").string()).output == "step-00000002\n",
                   small);
        BOOST_TEST(!fs::exists(folder / "seen/checkpoints/step-00000004"));
        for (const char* step : {"step-00000002", "step-00000006", "step-00000008"}) {
            BOOST_TEST(weights("seen", step) == weights("undisturbed", step), step);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_run_whose_checkpoints_cannot_fit_is_refused_at_the_start) {
    if (!can_mount()) {
        return;
    }
    prepare_sample(folder / "data");
    const auto result = run_on({.mount_options = "size=3800k",
                                .before = "",
                                .meanwhile = "true",
                                .options = "--steps 8 --checkpoint-every 2"});
    BOOST_TEST(result.code == 73, result.output);
    BOOST_TEST(result.count("error:") == 1, result.output);
    BOOST_TEST(result.says("the 4 checkpoints still to be kept or written need"), result.output);
    BOOST_TEST(result.says("--little-space warn"), result.output);
}

BOOST_AUTO_TEST_CASE(a_run_that_has_ended_needs_no_space) {
    if (!can_mount()) {
        return;
    }
    prepare_sample(folder / "data");
    const std::string options = "--schedule constant --checkpoint-every 2 --validate-every 4 ";
    const auto ended = run_command(
        pretrain_command(3, folder.path(), "ended",
                         options + "--keep-checkpoints 1 --budget-hours 1 --target-loss 100"));
    BOOST_TEST_REQUIRE(ended.says("finished after step 4"), ended.output);
    const auto go_on = [&](const std::string& more) {
        fs::remove_all(folder / "seen");
        return run_on({.mount_options = "size=3800k",
                       .before = "cp -r ended/. disk/run",
                       .meanwhile = "true",
                       .options = options + more});
    };
    for (const auto& [more, reason] :
         {std::pair("--budget-hours 1 --target-loss 100", "has reached the target 100 already"),
          std::pair("--budget-hours 0.0000001", "is used up already"),
          std::pair("--budget-hours 1 --steps 3", "all 3 steps done already")}) {
        const auto result = go_on(more);
        BOOST_TEST(result.code == 0, result.output);
        BOOST_TEST(result.says(reason), result.output);
    }
    const auto longer = go_on("--budget-hours 1 --target-loss 0.001");
    BOOST_TEST(longer.code == 73, longer.output);
}

BOOST_AUTO_TEST_CASE(no_space_for_logs_and_status_is_one_warning_each) {
    if (!can_mount()) {
        return;
    }
    prepare_sample(folder / "data");
    const auto result = run_on({.mount_options = "size=1m",
                                .before = "mkdir kept; ln -s ../../kept disk/run/checkpoints",
                                .meanwhile = "cat /dev/zero > disk/filler || true",
                                .options = "--steps 120 --checkpoint-every 50 --log-every 0.001 "
                                           "--warn-seconds 100"});
    BOOST_TEST_REQUIRE(result.code == 0, result.output);
    for (const char* file : {"metrics.jsonl cannot be written", "status.json", "the log cannot",
                             "the TensorBoard events cannot be written"}) {
        BOOST_TEST(result.count(file) == 1, file << " in " << result.output);
    }
    BOOST_TEST(result.count("warning:") == 4, result.output);
    BOOST_TEST(result.says("finished after step 120"), result.output);
    BOOST_TEST(fs::exists(folder / "kept/step-00000120/MANIFEST.json"));
}

BOOST_AUTO_TEST_SUITE_END()
