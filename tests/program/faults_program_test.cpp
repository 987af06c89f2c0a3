// Bad input and bad luck: one clear message, the documented exit code, nothing lost.

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>
#include <map>

#include "base/hash.h"
#include "program/refusal.h"
#include "program/sample.h"
#include "support/process.h"

using namespace hpml;
using namespace hpml::test;

namespace {

struct Fixture {
    ScratchFolder folder{"faults"};
    Fixture() { prepare_sample(folder / "data"); }

    [[nodiscard]] CommandResult pretrain(int ranks, const std::string& more,
                                         const std::string& run = "run") const {
        return run_command(pretrain_command(ranks, folder.path(), run, "--steps 4 " + more));
    }
    [[nodiscard]] std::filesystem::path first_shard() const {
        for (const auto& entry : std::filesystem::directory_iterator(folder / "data")) {
            if (entry.path().filename().string().starts_with("train")) {
                return entry.path();
            }
        }
        throw std::runtime_error("no training shard");
    }
    /// Whether a job in that run directory has finished a step.
    [[nodiscard]] bool trains(const std::string& run) const {
        return text_of(folder / run / "metrics.jsonl").find("\"train\"") != std::string::npos;
    }
};

/// Every file below a folder with its content and time of change.
std::map<std::string, std::string> listing(const std::filesystem::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        files[entry.path().string()] =
            std::to_string(entry.last_write_time().time_since_epoch().count()) + " " +
            (entry.is_regular_file() ? hash_file(entry.path()).hex() : "no file");
    }
    return files;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(faults_suite, Fixture)

BOOST_AUTO_TEST_CASE(an_unknown_option_suggests_the_nearest) {
    check_one_error(pretrain(2, "--micro-bacth 2"), 64, "--micro-batch");
}

BOOST_AUTO_TEST_CASE(a_batch_that_does_not_divide_names_what_would) {
    std::string command = pretrain_command(2, folder.path(), "run", "--steps 4");
    command.replace(command.find("--micro-batch 1"), 15, "--micro-batch 5");
    check_one_error(run_command(command), 64, "not divisible");
}

BOOST_AUTO_TEST_CASE(a_missing_corpus_says_how_to_make_one) {
    check_one_error(run_command(mpirun(2) + program("hpml_pretrain") + " --data /nowhere --run " +
                                (folder / "r").string()),
                    66, "hpml_prepare");
}

BOOST_AUTO_TEST_CASE(a_missing_shard_is_named) {
    const auto shard = first_shard();
    std::filesystem::remove(shard);
    check_one_error(pretrain(3, ""), 66, shard.filename().string());
}

BOOST_AUTO_TEST_CASE(a_truncated_shard_is_named) {
    const auto shard = first_shard();
    std::filesystem::resize_file(shard, std::filesystem::file_size(shard) / 2);
    check_one_error(pretrain(2, ""), 65, shard.filename().string());
}

BOOST_AUTO_TEST_CASE(a_vocabulary_of_another_hash_is_refused) {
    std::ofstream(folder / "data" / "vocab.txt", std::ios::app) << "zzzz\n";
    check_one_error(pretrain(2, ""), 65, "vocab.txt");
}

BOOST_AUTO_TEST_CASE(rows_longer_than_the_model_are_refused) {
    write_file(
        folder / "short.json",
        R"({"model_type": "bert", "vocab_size": 4000, "hidden_size": 32, "num_hidden_layers": 1,
  "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 16, "type_vocab_size": 2,
  "layer_norm_eps": 1e-12, "initializer_range": 0.02, "hidden_act": "gelu"})");
    check_one_error(run_command(mpirun(2) + program("hpml_pretrain") + " --data " +
                                (folder / "data").string() + " --run " + (folder / "r").string() +
                                " --model " + (folder / "short.json").string() + " --steps 2"),
                    65, "positions for 16");
}

BOOST_AUTO_TEST_CASE(a_run_directory_of_another_model_shows_the_keys_that_differ) {
    BOOST_TEST_REQUIRE(pretrain(2, "").code == 0);
    const auto result =
        run_command(mpirun(2) + program("hpml_pretrain") + " --data " + (folder / "data").string() +
                    " --run " + (folder / "run").string() +
                    " --model tiny --steps 4 --global-batch 12 --optimizer lamb --seed 7");
    check_one_error(result, 78, "hidden_size");
    BOOST_TEST(result.says("128"));
}

BOOST_AUTO_TEST_CASE(resume_never_refuses_a_run_directory_that_is_not_empty) {
    BOOST_TEST_REQUIRE(pretrain(2, "").code == 0);
    check_one_error(pretrain(2, "--resume never"), 64, "--resume never");
}

BOOST_AUTO_TEST_CASE(a_full_disk_during_a_save_costs_one_checkpoint_and_not_the_run) {
    const auto result =
        run_command("HPML_FAULT=nospace@step=4,site=checkpoint.write " +
                    pretrain_command(2, folder.path(), "full",
                                     "--steps 6 --checkpoint-every 2 --keep-checkpoints 9"));
    BOOST_TEST(result.code == 0, result.output);
    BOOST_TEST(result.says("training goes on"), result.output);
    const auto checkpoints = folder / "full" / "checkpoints";
    BOOST_TEST(std::filesystem::exists(checkpoints / "step-00000002"));
    BOOST_TEST(!std::filesystem::exists(checkpoints / "step-00000004"));
    BOOST_TEST(std::filesystem::exists(checkpoints / "step-00000006"));
}

BOOST_AUTO_TEST_CASE(a_save_that_failed_is_tried_again_before_the_next_is_due) {
    const auto result =
        run_command("HPML_FAULT=nospace@step=4,site=checkpoint.write " +
                    pretrain_command(2, folder.path(), "retry",
                                     "--steps 20 --checkpoint-every 4 --keep-checkpoints 9 "
                                     "--checkpoint-retry 0.001"));
    BOOST_TEST(result.code == 0, result.output);
    const auto checkpoints = folder / "retry" / "checkpoints";
    BOOST_TEST(!std::filesystem::exists(checkpoints / "step-00000004"));
    BOOST_TEST((std::filesystem::exists(checkpoints / "step-00000005") ||
                std::filesystem::exists(checkpoints / "step-00000006")));
    BOOST_TEST(std::filesystem::exists(checkpoints / "step-00000008"));
}

BOOST_AUTO_TEST_CASE(a_full_disk_at_the_last_save_is_exit_74) {
    const auto result = run_command("HPML_FAULT=nospace@step=4,site=checkpoint.write " +
                                    pretrain_command(2, folder.path(), "full", "--steps 4"));
    check_one_error(result, 74, "could not be written");
    BOOST_TEST(
        run_command(program("hpml_status") + " --brief " + (folder / "full").string()).output ==
        "failed\n");
}

BOOST_AUTO_TEST_CASE(a_log_that_cannot_be_written_is_one_warning) {
    for (const auto& [file, warning] :
         {std::pair("metrics.jsonl", "metrics.jsonl is not a regular file"),
          std::pair("log.txt", "the log cannot be written")}) {
        const auto log = folder / file / file;
        std::filesystem::create_directories(log.parent_path());
        std::filesystem::create_symlink("/dev/full", log);
        const auto result =
            run_command(pretrain_command(2, folder.path(), file, "--steps 6 --log-every 0.001"));
        BOOST_TEST(result.code == 0, result.output);
        BOOST_TEST(result.count("warning:") == 1, result.output);
        BOOST_TEST(result.count(warning) == 1, result.output);
    }
}

BOOST_AUTO_TEST_CASE(a_killed_rank_ends_the_job_within_ten_seconds_and_the_next_start_goes_on) {
    const std::string command =
        pretrain_command(3, folder.path(), "dead", "--steps 1000000 --checkpoint-every 5");
    Background job(command, folder / "dead.log");
    BOOST_TEST_REQUIRE(wait_until(60, [&] {
        return std::filesystem::exists(folder / "dead" / "checkpoints" / "step-00000005");
    }));
    const auto ranks = children_of(job.pid());
    BOOST_TEST_REQUIRE(ranks.size() == 3U);
    ::kill(ranks[1], SIGKILL);
    BOOST_TEST(wait_until(10, [&] {
        return std::all_of(ranks.begin(), ranks.end(), has_ended) && job.wait(0).code != 124;
    }));
    BOOST_TEST(job.wait(0).code != 0);
    BOOST_TEST(job.wait(0).code != 124);
    BOOST_TEST(
        run_command(program("hpml_status") + " --brief " + (folder / "dead").string()).output ==
        "failed\n");

    Background next(command, folder / "next.log");
    BOOST_TEST(wait_until(60, [&] {
        return text_of(folder / "next.log").find("resuming after step") != std::string::npos;
    }));
    ::kill(next.pid(), SIGUSR1);
    BOOST_TEST(next.wait(30).code == 0, text_of(folder / "next.log"));
}

BOOST_AUTO_TEST_CASE(a_second_job_in_the_same_run_directory_is_refused_and_changes_no_file) {
    const std::string command = pretrain_command(1, folder.path(), "shared", "--steps 1000000");
    Background first(command, folder / "first.log");
    BOOST_TEST_REQUIRE(wait_until(60, [&] { return trains("shared"); }));
    // Asleep, the first job changes nothing itself.
    const auto ranks = children_of(first.pid());
    BOOST_TEST_REQUIRE(ranks.size() == 1U);
    ::kill(ranks[0], SIGSTOP);
    BOOST_TEST_REQUIRE(wait_until(10, [&] { return state_of(ranks[0]) == 'T'; }));
    const auto before = listing(folder / "shared");
    const auto second = run_command(command);
    BOOST_TEST((listing(folder / "shared") == before));
    ::kill(ranks[0], SIGCONT);
    ::kill(first.pid(), SIGUSR1);
    check_one_error(second, 73, "locked by");
    BOOST_TEST(first.wait(30).code == 0, text_of(folder / "first.log"));
}

BOOST_AUTO_TEST_CASE(cuda_without_a_gpu_is_exit_69_and_says_what_is_missing) {
    if (std::filesystem::exists("/dev/nvidia0")) {
        not_run("this machine has a GPU: nothing is missing");
        return;
    }
    check_one_error(pretrain(2, "--device cuda"), 69, "--device cpu");
}

BOOST_AUTO_TEST_CASE(separate_copies_under_srun_are_refused) {
    const auto result = run_command("SLURM_STEP_NUM_TASKS=2 " +
                                    pretrain_command(1, folder.path(), "copies", "--steps 1"));
    check_one_error(result, 64, "srun --mpi=pmix");
}

BOOST_AUTO_TEST_SUITE_END()
