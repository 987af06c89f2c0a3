// hpml_finetune as a user starts it, on the sample's sentence task.

#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <map>
#include <sstream>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "program/sample.h"
#include "support/process.h"

using namespace hpml;
using namespace hpml::test;

namespace {

/// What a command shows to somebody who starts it on a terminal of 90 columns.
std::string on_terminal(const std::string& command) {
    const winsize size{.ws_row = 40, .ws_col = 90, .ws_xpixel = 0, .ws_ypixel = 0};
    int terminal = -1;
    const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
    if (child == 0) {
        const std::string line =
            "unset NO_COLOR; export TERM=xterm; exec timeout -k 5 60 " + command;
        ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
        ::_exit(127);
    }
    std::string shown;
    std::array<char, 4096> piece{};
    for (;;) {
        const ssize_t got = ::read(terminal, piece.data(), piece.size());
        if (got <= 0) {
            break;
        }
        shown.append(piece.data(), static_cast<std::size_t>(got));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(terminal);
    BOOST_TEST(status == 0, shown);
    return shown;
}

struct Fixture {
    ScratchFolder folder{"finetune"};

    /// From random weights, a few steps; `more` options behind.
    [[nodiscard]] std::string command(int ranks, const std::string& run,
                                      const std::string& more = "", int epochs = 1) const {
        return mpirun(ranks) + program("hpml_finetune") + " --task sst2 --data " +
               source("data/sample/task") + " --run " + (folder / run).string() +
               " --init-from random --model " + micro_model(folder.path()) + " --vocab " +
               source("data/sample/vocab.txt") +
               " --max-train-samples 70 --max-sequence-length 32 --threads 1 --epochs " +
               std::to_string(epochs) + " " + more;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(finetune_suite, Fixture)

BOOST_AUTO_TEST_CASE(a_run_prints_its_scores_beside_the_majority_and_says_where_it_lies) {
    const auto result = run_command(command(2, "run"));
    BOOST_TEST_REQUIRE(result.code == 0, result.output);
    BOOST_TEST(result.says("majority"), result.output);
    BOOST_TEST(result.count("run directory: " + (folder / "run").string()) == 1, result.output);
    BOOST_TEST(result.says("step 3/3"), result.output);
    const Json results = read_json(folder / "run/all_results.json");
    BOOST_TEST(results.at("train_samples").get<int>() == 70);
    BOOST_TEST(results.at("baseline_majority_accuracy").get<double>() > 0.4);
    const Json status = read_json(folder / "run/status.json");
    BOOST_TEST(status.at("state").get<std::string>() == "finished");
}

BOOST_AUTO_TEST_CASE(the_same_command_again_shows_the_results_and_does_nothing) {
    const auto first = run_command(command(1, "again"));
    const auto second = run_command(command(2, "again"));
    BOOST_TEST_REQUIRE(first.code == 0, first.output);
    BOOST_TEST(second.code == 0);
    BOOST_TEST(second.says("finished already"), second.output);
    BOOST_TEST(second.says("accuracy"), second.output);
    BOOST_TEST(!second.says("step 1/"), second.output);
}

BOOST_AUTO_TEST_CASE(other_settings_are_refused_once_with_a_table) {
    const auto first = run_command(command(1, "other"));
    const auto second = run_command(command(3, "other", "--learning-rate 1e-3"));
    BOOST_TEST_REQUIRE(first.code == 0, first.output);
    BOOST_TEST(second.code == 78, second.output);
    BOOST_TEST(second.count("error:") == 1, second.output);
    BOOST_TEST(second.says("learning_rate"), second.output);
}

BOOST_AUTO_TEST_CASE(it_goes_on_from_a_pretraining_run_and_lists_the_tensors) {
    prepare_sample(folder / "data");
    const auto pretrained = run_command(pretrain_command(1, folder.path(), "bert", "--steps 2"));
    BOOST_TEST_REQUIRE(pretrained.code == 0, pretrained.output);
    const auto tuned = run_command(
        mpirun(2) + program("hpml_finetune") + " --task sst2 --data " + source("data/sample/task") +
        " --run " + (folder / "tuned").string() + " --init-from " + (folder / "bert").string() +
        " --epochs 1 --max-train-samples 64 --max-sequence-length 32 --threads 1");
    BOOST_TEST_REQUIRE(tuned.code == 0, tuned.output);
    BOOST_TEST(tuned.count("new (random): bert.pooler.dense.weight, bert.pooler.dense.bias, "
                           "classifier.weight, classifier.bias") == 1,
               tuned.output);
    BOOST_TEST(tuned.says("ignored: cls.predictions.bias"), tuned.output);
}

BOOST_AUTO_TEST_CASE(a_bad_line_of_the_task_is_one_message_with_its_number) {
    write_file(folder / "train.tsv", "sentence\tlabel\ngood\t1\nbad\t7\n");
    write_file(folder / "dev.tsv", "sentence\tlabel\ngood\t1\n");
    const auto result =
        run_command(mpirun(3) + program("hpml_finetune") + " --task sst2 --data " +
                    folder.path().string() + " --run " + (folder / "bad").string() +
                    " --init-from random --model " + micro_model(folder.path()) + " --vocab " +
                    source("data/sample/vocab.txt") + " --max-sequence-length 32");
    BOOST_TEST(result.code == 65, result.output);
    BOOST_TEST(result.count("error:") == 1, result.output);
    BOOST_TEST(result.says("train.tsv:3: the label is '7'"), result.output);
}

BOOST_AUTO_TEST_CASE(a_task_that_is_not_known_and_a_length_beyond_the_model_are_usage_errors) {
    const auto task = run_command(program("hpml_finetune") +
                                  " --task squad --data x --run y "
                                  "--init-from random");
    BOOST_TEST(task.code == 64, task.output);
    BOOST_TEST(task.says("cola, sst2, mrpc, stsb"), task.output);
    for (const std::string option : {"--epochs", "--batch", "--micro-batch"}) {
        const auto most =
            run_command(program("hpml_finetune") + " " + option + " 9223372036854775807");
        BOOST_TEST(most.code == 64, most.output);
        BOOST_TEST(most.says("bad value '9223372036854775807' for " + option), most.output);
    }
    const auto length = run_command(
        program("hpml_finetune") + " --task sst2 --data " + source("data/sample/task") + " --run " +
        (folder / "long").string() + " --init-from random --model " + micro_model(folder.path()) +
        " --vocab " + source("data/sample/vocab.txt") + " --max-sequence-length 65");
    BOOST_TEST(length.code == 64, length.output);
    BOOST_TEST(length.says("beyond the model's 64 positions"), length.output);
}

BOOST_AUTO_TEST_CASE(a_signal_at_any_step_is_a_planned_stop_and_the_same_command_goes_on_exactly) {
    const auto whole = run_command(command(2, "whole"));
    BOOST_TEST_REQUIRE(whole.code == 0, whole.output);
    for (const int step : {0, 1, 2}) {
        const std::string run = "stopped" + std::to_string(step);
        const auto stopped = run_command("HPML_FAULT=term@rank=1,step=" + std::to_string(step) +
                                         " " + command(2, run));
        BOOST_TEST_REQUIRE(stopped.code == 0, stopped.output);
        BOOST_TEST(stopped.says("interrupted after step " + std::to_string(step + 1) +
                                ": a signal asked to stop; the same command goes on there"),
                   stopped.output);
        BOOST_TEST(read_json(folder / run / "status.json").at("state").get<std::string>() ==
                   "interrupted");
        BOOST_TEST(!std::filesystem::exists(folder / run / "all_results.json"));
        const auto resumed = run_command(command(2, run));
        BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
        BOOST_TEST(resumed.says("resuming after step " + std::to_string(step + 1)), resumed.output);
        for (const char* name :
             {"model/model.safetensors", "dev_predictions.tsv", "predict_results_sst2.txt"}) {
            BOOST_TEST((read_text(folder / run / name) == read_text(folder / "whole" / name)),
                       name << " after a stop at step " << step);
        }
        std::vector<int> steps;
        std::istringstream metrics(read_text(folder / run / "metrics.jsonl"));
        for (std::string line; std::getline(metrics, line);) {
            const Json row = parse_json(line, "metrics.jsonl");
            if (row.at("kind").get<std::string>() == "train") {
                steps.push_back(row.at("step").get<int>());
                BOOST_TEST(row.at("sequences").get<double>() > 0);
            }
        }
        BOOST_TEST(steps == (std::vector<int>{1, 2, 3}), boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_with_a_flipped_bit_is_refused_and_not_started_over) {
    const auto stopped = run_command("HPML_FAULT=term@step=1 " + command(1, "flipped"));
    BOOST_TEST_REQUIRE(stopped.code == 0, stopped.output);
    const auto file = folder / "flipped/checkpoints/step-00000002/optimizer.safetensors";
    std::string bytes = read_text(file);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
    write_file(file, bytes);
    const auto resumed = run_command(command(1, "flipped"));
    BOOST_TEST(resumed.code == 65, resumed.output);
    BOOST_TEST(resumed.count("error:") == 1, resumed.output);
    BOOST_TEST(resumed.says("start from the beginning with --restart-from-scratch"),
               resumed.output);
    BOOST_TEST(!std::filesystem::exists(folder / "flipped/all_results.json"));
    const auto anew = run_command(command(1, "flipped", "--restart-from-scratch"));
    BOOST_TEST(anew.code == 0, anew.output);
    BOOST_TEST(anew.says("starting from the beginning"), anew.output);
    BOOST_TEST(std::filesystem::exists(folder / "flipped/all_results.json"));
}

BOOST_AUTO_TEST_CASE(the_time_limit_stops_in_time_and_says_why) {
    const auto stopped = run_command(command(2, "short", "--max-hours 0.002", 100000), 300);
    BOOST_TEST_REQUIRE(stopped.code == 0, stopped.output);
    BOOST_TEST(stopped.says("time limit       7.2 s (--max-hours)"), stopped.output);
    BOOST_TEST(stopped.says("s left, no checkpoint has been timed yet"), stopped.output);
    BOOST_TEST(stopped.says(": time limit 7.2 s (--max-hours); the same command goes on there"),
               stopped.output);
    BOOST_TEST(std::filesystem::exists(folder / "short/checkpoints"));
}

BOOST_AUTO_TEST_CASE(the_banners_command_goes_on_with_the_run) {
    const auto first = run_command(command(2, "repeated"));
    BOOST_TEST_REQUIRE(first.code == 0, first.output);
    const std::string label = "go on with ";
    const auto begin = first.output.find(label) + label.size();
    const std::string told = first.output.substr(begin, first.output.find('\n', begin) - begin);
    BOOST_TEST(told.find("mpirun -np 2 ") != std::string::npos, told);
    const auto again = run_command(
        "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "
        "OMPI_MCA_rmaps_base_oversubscribe=1 " +
        told);
    BOOST_TEST(again.says("finished already"), again.output);
}

BOOST_AUTO_TEST_CASE(a_start_that_wakes_up_after_its_replacement_changes_none_of_its_files) {
    const std::string plain = command(1, "shared").substr(mpirun(1).size());
    Background first("env HPML_FAULT=stop@step=2 " + plain, folder / "first.log");
    BOOST_TEST_REQUIRE(wait_until(60, [&] { return state_of(first.pid()) == 'T'; }),
                       text_of(folder / "first.log"));
    const auto second = run_command(plain + " --break-lock");
    BOOST_TEST_REQUIRE(second.code == 0, second.output);
    const auto files = [&] {
        std::map<std::string, std::string> contents;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "shared")) {
            const std::string name = entry.path().filename().string();
            if (entry.is_regular_file() && name != "log.txt") {
                const auto changed = entry.last_write_time().time_since_epoch().count();
                contents[entry.path().string()] =
                    std::to_string(changed) + " " + read_text(entry.path());
            }
        }
        return contents;
    };
    const auto before = files();
    // An answer of the first start that is no older than two seconds still holds.
    const Stopwatch watch;
    BOOST_TEST(wait_until(5, [&] { return watch.elapsed() > Seconds(2.5); }));
    ::kill(first.pid(), SIGCONT);
    const auto ended = first.wait(30);
    BOOST_TEST(ended.code == 78, ended.output);
    BOOST_TEST(ended.count("a later start has taken over") == 2, ended.output);
    BOOST_TEST((files() == before));
    BOOST_TEST(run_command(plain).says("finished already"));
}

BOOST_AUTO_TEST_CASE(on_a_terminal_also_mpiruns_own_the_steps_share_one_line) {
    const std::string clear = "\r\x1b[K";
    for (const int ranks : {0, 2}) {
        const std::string run = "terminal" + std::to_string(ranks);
        const std::string started = command(2, run, "--micro-batch 8");
        const std::string shown =
            on_terminal(ranks == 0 ? started.substr(mpirun(2).size()) : started);
        BOOST_TEST(shown.find(clear + "step 1/3") != std::string::npos, shown);
        BOOST_TEST(shown.find(clear + "step 3/3") != std::string::npos, shown);
        BOOST_TEST(shown.find("step 1/3") == shown.rfind("step 1/3"), shown);
        const auto begin = shown.find(clear + "step 3/3") + clear.size();
        BOOST_TEST(shown.find("\r\n", begin) - begin < 90u, shown);
        BOOST_TEST(read_text(folder / run / "log.txt").find('\x1b') == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_pipe_gets_neither_rewritten_lines_nor_colors_unless_asked_for) {
    const auto plain = run_command(command(1, "plain", "--learning-rate 1e-12"));
    const auto colored = run_command(command(1, "colored", "--learning-rate 1e-12 --color always"));
    BOOST_TEST(plain.says("warning: not every score"), plain.output);
    BOOST_TEST(!plain.says("\x1b"), plain.output);
    BOOST_TEST(!plain.says("\r"), plain.output);
    BOOST_TEST(colored.says("\x1b[33mwarning:\x1b[0m not every score"), colored.output);
    BOOST_TEST(!colored.says("\r"), colored.output);
}

BOOST_AUTO_TEST_SUITE_END()
