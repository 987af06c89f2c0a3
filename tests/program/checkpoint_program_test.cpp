// Checkpoints of whole runs: written beside the training, by ranks that fail or die at it, and
// restored to the last item.

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "program/continuation.h"

using namespace hpml;
using namespace hpml::test;

namespace fs = std::filesystem;

namespace {

/// A run of five steps, stopped after the third, of which a resume forgets one item after another.
struct Forgetful {
    std::string name;
    int ranks = 1;
    std::string optimizer = "lamb";
    std::string options = {};
    std::string faults = {};  ///< in every start; each ends with ';'
    std::vector<std::string> items = {};
    int code = 0;  ///< of the run that forgets nothing; 0 of the others
};

struct Scene : Continuation {
    [[nodiscard]] std::string command(const std::string& run, const std::string& more) const {
        return on_three_ranks(run, "--keep-checkpoints 20 " + more);
    }
    [[nodiscard]] bool has(const std::string& run, const std::string& step) const {
        return fs::exists(folder / run / "checkpoints" / step);
    }
    struct Start {
        std::string run;
        std::string fault;
        int code = 0;
    };
    /// What these starts end with: weights and state, or the code.
    [[nodiscard]] std::vector<std::string> outcomes(const Forgetful& wanted,
                                                    const std::vector<Start>& starts) const {
        std::vector<std::string> commands;
        for (const Start& start : starts) {
            commands.push_back(
                "HPML_FAULT='" + wanted.faults + start.fault + "' " +
                with_optimizer(pretrain_command(wanted.ranks, folder.path(), start.run,
                                                "--steps 5 --schedule constant " + wanted.options),
                               wanted.optimizer));
        }
        // Those of one rank at once: they would leave a core idle.
        const auto policy = wanted.ranks == 1 ? std::launch::async : std::launch::deferred;
        std::vector<std::future<CommandResult>> running;
        for (const std::string& command : commands) {
            running.push_back(std::async(policy, [&command] { return run_command(command); }));
        }
        std::vector<std::string> found;
        for (std::size_t i = 0; i < starts.size(); ++i) {
            const CommandResult result = running[i].get();
            BOOST_TEST_REQUIRE(result.code == starts[i].code, result.output);
            if (result.code != 0) {
                found.push_back("ended with " + std::to_string(result.code));
                continue;
            }
            const fs::path newest = newest_checkpoint(folder / starts[i].run);
            found.push_back(newest.filename().string() +
                            hash_file(newest / "model.safetensors").hex() +
                            hash_file(newest / "state.json").hex());
        }
        return found;
    }
    void check_items(const Forgetful& wanted) const {
        const std::string& name = wanted.name;
        const std::string expected =
            outcomes(wanted, {{name + "-straight", "", wanted.code},
                              {name + "-stopped", "term@step=2,site=step", 0}})
                .front();
        std::vector<std::string> items = {"nothing"};
        items.insert(items.end(), wanted.items.begin(), wanted.items.end());
        std::vector<Start> starts;
        for (const std::string& item : items) {
            const std::string run = name + "-without-" + item;
            fs::copy(folder / (name + "-stopped"), folder / run, fs::copy_options::recursive);
            starts.push_back(
                {run, "skip@site=restore." + item, item == "nothing" ? wanted.code : 0});
        }
        const std::vector<std::string> found = outcomes(wanted, starts);
        for (std::size_t i = 0; i < items.size(); ++i) {
            BOOST_TEST((found[i] == expected) == (items[i] == "nothing"),
                       name << " without " << items[i]);
        }
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(checkpoint_program_suite, Scene)

BOOST_AUTO_TEST_CASE(a_part_that_fails_or_dies_costs_one_checkpoint_and_no_bits) {
    const std::string eight = "--steps 8 --checkpoint-every 2";
    const auto straight =
        run_command(command("straight", eight + " --checkpoint-in-background off"));
    BOOST_TEST_REQUIRE(straight.code == 0, straight.output);

    const auto beside = run_command(command("beside", eight));
    BOOST_TEST_REQUIRE(beside.code == 0, beside.output);
    for (const char* step : {"step-00000002", "step-00000006", "step-00000008"}) {
        check_same("straight", "beside", step);
    }

    const auto full = run_command("HPML_FAULT=nospace@step=4,rank=1,site=checkpoint.part " +
                                  command("full", eight));
    BOOST_TEST_REQUIRE(full.code == 0, full.output);
    BOOST_TEST(full.count("training goes on") == 1, full.output);
    BOOST_TEST(full.says("no space left while writing step-00000004"), full.output);
    BOOST_TEST(!has("full", "step-00000004"));
    BOOST_TEST(!has("full", ".tmp-1-4"));
    check_same("straight", "full", "step-00000008");

    // Before its first byte, in the writing of a part, and after its last byte.
    const auto empty = run_command(
        "HPML_FAULT='nomem@step=2,site=checkpoint.write;nomem@step=4,rank=1,site=checkpoint.part;"
        "nomem@step=6,site=checkpoint.publish' " +
        command("empty", eight + " --max-failed-checkpoints 4"));
    BOOST_TEST_REQUIRE(empty.code == 0, empty.output);
    BOOST_TEST(empty.count("warning: out of memory (") == 3, empty.output);
    BOOST_TEST(empty.count("training goes on") == 3, empty.output);
    for (const char* name : {"step-00000002", "step-00000004", "step-00000006", ".tmp-1-6"}) {
        BOOST_TEST(!has("empty", name), name);
    }
    check_same("straight", "empty", "step-00000008");

    const auto killed = run_command("HPML_FAULT=kill@step=4,rank=2,site=checkpoint.part " +
                                    command("killed", eight));
    BOOST_TEST(killed.code != 0);
    BOOST_TEST(!has("killed", "step-00000004"));
    const auto resumed = run_command(command("killed", eight));
    BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
    BOOST_TEST(resumed.says("resuming after step 2"), resumed.output);
    check_same("straight", "killed", "step-00000008");
    check_steps("killed", 8);
}

// A resume that forgets anything must not pass for an exact one.
BOOST_AUTO_TEST_CASE(every_item_that_is_restored_counts) {
    // The gradient that is not finite lowers the loss scale, without which nothing would be lost.
    const std::string early = "nan@site=gradient,step=0,rank=1;";
    const Forgetful forgetful[] = {
        {.name = "fp16",
         .ranks = 2,
         .options = "--precision fp16",
         .faults = early,
         .items = {"model", "exp_avg", "exp_avg_sq", "optimizer_steps", "data", "loss_scale"}},
        {.name = "elastic",
         .ranks = 2,
         .options = "--reproducible elastic --on-non-finite skip",
         .faults = early,
         .items = {"elastic"}},
        // What follows is restored on every rank alike: one will do.
        {.name = "adafactor",
         .optimizer = "adafactor",
         .options = "--checkpoint-every 1 --on-non-finite rollback",
         .faults = "nan@site=gradient,step=1;",
         .items = {"exp_avg_sq_row", "exp_avg_sq_col", "data_shift"}},
        {.name = "sgd", .optimizer = "sgd", .items = {"momentum_buffer"}},
        {.name = "muon", .optimizer = "muon", .items = {"momentum_buffer"}},
        // Two left out before the stop and one behind it: too many in a row, unless forgotten.
        {.name = "skip",
         .options = "--on-non-finite skip --max-skipped 2",
         .faults = "nan@site=gradient,step=1;nan@site=gradient,step=2;nan@site=gradient,step=3;",
         .items = {"skipped_in_a_row"},
         .code = 77},
    };
    for (const Forgetful& run : forgetful) {
        check_items(run);
    }
}

// Wall-clock time makes no equal bytes; here it decides whether there is anything left to do.
BOOST_AUTO_TEST_CASE(the_time_that_is_restored_counts) {
    const std::string at_once =
        pretrain_command(1, folder.path(), "hours", "--schedule constant --budget-hours 1e-6");
    for (const auto& [fault, steps] :
         {std::pair("", "1"), std::pair("", "1"),
          std::pair("HPML_FAULT=skip@site=restore.run_seconds ", "2")}) {
        const auto result = run_command(fault + at_once);
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
        BOOST_TEST(newest_checkpoint(folder / "hours").filename() ==
                   std::string("step-0000000") + steps);
    }
}

// Every optimizer in every precision, each of these once sharded before the kill, after it or both;
// all combinations and every step: kills_program_test.
BOOST_AUTO_TEST_CASE(every_optimizer_goes_on_to_the_same_bytes_also_sharded_and_in_bf16) {
    int number = 0;
    for (const std::string optimizer : {"adam", "adamw", "lamb", "adafactor"}) {
        for (const std::string precision : {"fp32", "bf16"}) {
            const auto run = [&](const std::string& name, const std::string& more) {
                return with_optimizer(
                    command(name,
                            "--steps 4 --checkpoint-every 1 --checkpoint-in-background off "
                            "--precision " +
                                precision + more),
                    optimizer);
            };
            const std::string way = optimizer + "-" + precision;
            BOOST_TEST_REQUIRE(run_command(run("straight-" + way, "")).code == 0);
            const std::string before = number % 4 < 2 ? " --zero1" : "";
            const std::string after = number % 4 > 0 ? " --zero1" : "";
            const std::string step = std::to_string(1 + number % 3);
            const auto killed = run_command("HPML_FAULT=kill@site=step,rank=1,step=" + step + " " +
                                            run("killed-" + way, before));
            BOOST_TEST(killed.code != 0, killed.output);
            const auto resumed = run_command(run("killed-" + way, after));
            BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
            BOOST_TEST(resumed.says("resuming after step " + step), resumed.output);
            check_same("straight-" + way, "killed-" + way, "step-00000004");
            ++number;
        }
    }
}

// Elastic sums, so that the ranks may change and the bytes may not.
BOOST_AUTO_TEST_CASE(a_sharded_state_goes_on_on_another_number_of_ranks) {
    const auto run = [&](const std::string& name, int ranks, int steps, const std::string& more) {
        const auto result = run_command(pretrain_command(
            ranks, folder.path(), name,
            "--reproducible elastic --schedule constant --steps " + std::to_string(steps) + more));
        BOOST_TEST_REQUIRE(result.code == 0, result.output);
    };
    run("whole", 1, 5, "");
    run("sharded", 4, 2, " --zero1");
    run("sharded", 2, 3, " --zero1");
    run("sharded", 3, 4, "");
    run("sharded", 3, 5, " --zero1");
    for (const char* file : {"model.safetensors", "optimizer.safetensors"}) {
        BOOST_TEST(
            digest("whole", "step-00000005", file) == digest("sharded", "step-00000005", file),
            file);
    }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_from_which_every_start_dies_is_left_behind) {
    const std::string eight = "--steps 8 --checkpoint-every 2 ";
    const std::string stop = "HPML_FAULT=term@step=3,rank=0,site=step ";
    BOOST_TEST_REQUIRE(run_command(stop + command("loop", eight)).code == 0);
    BOOST_TEST(has("loop", "step-00000004"));
    // Every start from step 4 dies, and so does every one from step 2.
    const std::string dies =
        "HPML_FAULT='segv@step=4,rank=1,site=step;segv@step=2,rank=1,site="
        "step' " +
        command("loop", eight);
    for (int start = 0; start < 3; ++start) {
        const auto died = run_command(dies);
        BOOST_TEST(died.code != 0);
        BOOST_TEST(died.says("resuming after step 4"), died.output);
    }
    fs::copy(folder / "loop", folder / "better", fs::copy_options::recursive);
    const auto back = run_command(dies);
    BOOST_TEST(back.says("3 starts from"), back.output);
    BOOST_TEST(back.says("resuming after step 2"), back.output);
    BOOST_TEST(has("loop", "step-00000004.crashed"));
    (void)run_command(dies);
    (void)run_command(dies);
    const auto refused = run_command(dies);
    BOOST_TEST(refused.code == 80, refused.output);
    BOOST_TEST(refused.count("error:") == 1, refused.output);
    BOOST_TEST(refused.says("attempts.json"), refused.output);
    // Where the older one is good, the run comes to its end.
    const auto better = run_command(command("better", eight));
    BOOST_TEST(better.code == 0, better.output);
    BOOST_TEST(better.says("resuming after step 2"), better.output);
    BOOST_TEST(!has("better", "../attempts.json"));
}

BOOST_AUTO_TEST_CASE(status_lists_verifies_and_compares_checkpoints) {
    const std::string run = (folder / "seen").string();
    BOOST_TEST_REQUIRE(
        run_command(command("seen", "--steps 4 --checkpoint-every 1 --keep-every 2")).code == 0);
    const std::string status = program("hpml_status") + " " + run + " ";
    const auto listed = run_command(status + "--checkpoints");
    BOOST_TEST(listed.code == 0, listed.output);
    BOOST_TEST(listed.count("every 2 steps") == 2, listed.output);
    BOOST_TEST(listed.count("complete") == 4, listed.output);

    const auto valid = run_command(status + "--verify");
    BOOST_TEST(valid.code == 0, valid.output);
    BOOST_TEST(valid.count(": valid") == 4, valid.output);

    const auto same = run_command(status + "--diff step-00000003 --diff step-00000003");
    BOOST_TEST(same.says(", 0 are not"), same.output);
    const auto moved = run_command(status + "--diff step-00000003 --diff step-00000004");
    BOOST_TEST(moved.code == 0, moved.output);
    BOOST_TEST(moved.says("optimizer_steps"), moved.output);
    BOOST_TEST(moved.says("exp_avg.bert.embeddings.word_embeddings.weight"), moved.output);
    BOOST_TEST(run_command(status + "--diff step-00000003").code == 64);

    const fs::path file = folder / "seen/checkpoints/step-00000002/model.safetensors";
    std::string bytes = text_of(file);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_file(file, bytes);
    const auto bad = run_command(status + "--verify");
    BOOST_TEST(bad.code == 65, bad.output);
    BOOST_TEST(bad.count(": valid") == 3, bad.output);
    BOOST_TEST(bad.says("its content was changed"), bad.output);
}

// A run lasts for weeks, and who tidies up meanwhile may move the folder that it has read at its
// start.
BOOST_AUTO_TEST_CASE(tokenizer_and_model_files_that_go_or_change_during_a_run_touch_no_checkpoint) {
    const fs::path vocabulary = folder / "data/vocab.txt";
    const fs::path tokenizer = folder / "data/tokenizer_config.json";
    const fs::path model = micro_model(folder.path());
    const std::vector<fs::path> files = {vocabulary, tokenizer, model};
    std::vector<std::string> texts;
    for (const fs::path& file : files) {
        texts.push_back(text_of(file));
    }
    const std::string straight = "--steps 4 --checkpoint-every 2 --keep-checkpoints 20";
    const auto alone = [&](const std::string& run) {  // without mpirun: its pid is the program's
        return pretrain_command(1, folder.path(), run, straight).substr(mpirun(1).size());
    };
    BOOST_TEST_REQUIRE(run_command(alone("untouched")).code == 0);
    for (const std::string run : {"gone", "changed"}) {
        const fs::path log = folder / (run + ".log");
        Background job("env HPML_FAULT=stop@step=1,site=step " + alone(run), log);
        BOOST_TEST_REQUIRE(wait_until(60, [&] { return state_of(job.pid()) == 'T'; }),
                           text_of(log));
        for (std::size_t i = 0; i < files.size(); ++i) {
            fs::remove(files[i]);
            if (run == "changed") {  // the first of the vocabulary's tokens has another name
                write_file(files[i],
                           i == 0 ? "[PAD2]" + texts[i].substr(texts[i].find('\n')) : "{}");
            }
        }
        ::kill(job.pid(), SIGCONT);
        const auto ended = job.wait(60);
        BOOST_TEST(ended.code == 0, ended.output);
        BOOST_TEST(!ended.says("training goes on"), ended.output);
        for (std::size_t i = 0; i < files.size(); ++i) {
            write_file(files[i], texts[i]);
        }
        for (const char* step : {"step-00000002", "step-00000004"}) {
            check_same("untouched", run, step);
            for (const char* file :
                 {"vocab.txt", "tokenizer_config.json", "config.json", "MANIFEST.json"}) {
                BOOST_TEST(digest("untouched", step, file) == digest(run, step, file),
                           run << ": " << file);
            }
        }
        BOOST_TEST(text_of(folder / run / "checkpoints/step-00000004/vocab.txt") == texts[0], run);
    }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_format_1_goes_on) {
    const fs::path old = folder / "old/checkpoints/step-00000002";
    fs::create_directories(old.parent_path());
    fs::copy(source("tests/golden/checkpoint_format_1/step-00000002"), old);
    // Its model is a smaller one than that of the other tests.
    write_file(folder / "nano.json", text_of(old / "config.json"));
    const auto resumed = run_command(
        mpirun(3) + program("hpml_pretrain") + " --data " + (folder / "data").string() + " --run " +
        (folder / "old").string() + " --model " + (folder / "nano.json").string() +
        " --optimizer adafactor --learning-rate 5e-3 --schedule constant --warmup 0"
        " --global-batch 12 --micro-batch 2 --threads 1 --seed 7 --steps 3");
    BOOST_TEST_REQUIRE(resumed.code == 0, resumed.output);
    BOOST_TEST(resumed.says("resuming after step 2"), resumed.output);
    BOOST_TEST(has("old", "step-00000003"));
}

BOOST_AUTO_TEST_SUITE_END()
