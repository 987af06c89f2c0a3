// Going on with other settings, other data or another machine: what is refused, what is said, and
// what it leaves on record.

#include <boost/test/unit_test.hpp>
#include <map>
#include <string>

#include "base/json.h"
#include "program/continuation.h"
#include "program/refusal.h"

using namespace hpml;
using namespace hpml::test;

namespace fs = std::filesystem;

namespace {

struct Scene : Continuation {
    [[nodiscard]] CommandResult pretrain(const std::string& run, const std::string& more,
                                         int ranks = 2) const {
        return run_command(pretrain_command(ranks, folder.path(), run, more));
    }
    /// A run of four steps, to be copied.
    void make(const std::string& run) const {
        const auto made = pretrain(run, "--steps 4 --checkpoint-every 2");
        BOOST_TEST_REQUIRE(made.code == 0, made.output);
    }
    [[nodiscard]] Json state(const std::string& run) const {
        return parse_json(text_of(newest_checkpoint(folder / run) / "state.json"), "state.json");
    }
    [[nodiscard]] std::string data_digest(const std::string& run) const {
        return state(run).at("settings").at("dataset").get<std::string>();
    }
};

/// Every file of a folder that the next start must find as it was.
std::map<std::string, std::string> content(const fs::path& run) {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(run / "checkpoints")) {
        if (entry.is_regular_file()) {
            found[entry.path().string()] = hash_file(entry.path()).hex();
        }
    }
    return found;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(settings_suite, Scene)

BOOST_AUTO_TEST_CASE(settings_are_fixed_or_said_or_need_an_override) {
    make("run");
    const auto before = content(folder / "run");
    const auto dropout = pretrain("run", "--steps 6 --dropout 0.2", 1);
    check_one_error(dropout, 78, "--override dropout goes on all the same");
    BOOST_TEST(dropout.says("  dropout            0.1                                0.2"),
               dropout.output);
    const auto form = pretrain("run", "--steps 6 --first-moment bf16 --override dropout", 1);
    check_one_error(form, 78, "--init-from");
    BOOST_TEST(form.says("the optimizer's state has another form; it cannot change within a run"),
               form.output);
    BOOST_TEST((content(folder / "run") == before));
    check_one_error(pretrain("run", "--steps 6 --override optimizer", 1), 64, "one of");

    const auto changed =
        pretrain("run", "--steps 6 --dropout 0.2 --override dropout --clip-norm 0.5");
    BOOST_TEST_REQUIRE(changed.code == 0, changed.output);
    BOOST_TEST(changed.says("warning: from step 4 on this is another run than it was, as asked "
                            "for: dropout 0.1 -> 0.2"),
               changed.output);
    BOOST_TEST(changed.says("from step 4 on: clip_norm 1.0 -> 0.5, steps 4 -> 6"), changed.output);
    const Json record = state("run").at("overrides");
    BOOST_TEST_REQUIRE(record.size() == 1U);
    BOOST_TEST(record.at(0).at("step") == 4);
    BOOST_TEST(record.at(0).at("to") == 0.2);

    // The same command again has nothing to override, and forgets nothing.
    const auto again = pretrain("run", "--steps 8 --dropout 0.2 --clip-norm 0.5");
    BOOST_TEST_REQUIRE(again.code == 0, again.output);
    BOOST_TEST(again.count("warning:") == 0, again.output);
    BOOST_TEST((state("run").at("overrides") == record));
    check_steps("run", 8);
}

BOOST_AUTO_TEST_CASE(other_data_need_to_be_allowed_and_another_vocabulary_cannot_be) {
    make("run");
    const std::string old_digest = data_digest("run");
    // The same files with one document less.
    fs::copy(source("data/sample/corpus"), folder / "text", fs::copy_options::recursive);
    const fs::path first = folder / "text/AA/wiki_00";
    const std::string text = text_of(first);
    write_file(first, text.substr(0, text.rfind("<doc")));
    const auto prepare = [&](const std::string& vocabulary, const std::string& to) {
        fs::remove_all(folder / to);
        const auto prepared = run_command(
            program("hpml_prepare") + " --input " + (folder / "text").string() + " --vocab " +
            vocabulary + " --sequence-length 32 --validation-fraction 0.05 --output " +
            (folder / to).string());
        BOOST_TEST_REQUIRE(prepared.code == 0, prepared.output);
    };
    prepare(source("data/sample/vocab.txt"), "data");
    const auto refused = pretrain("run", "--steps 6", 1);
    check_one_error(refused, 78, "--allow-dataset-change");
    BOOST_TEST(refused.says("  dataset            " + old_digest), refused.output);
    const auto allowed = pretrain("run", "--steps 6 --allow-dataset-change");
    BOOST_TEST_REQUIRE(allowed.code == 0, allowed.output);
    const Json record = state("run").at("overrides");
    BOOST_TEST_REQUIRE(record.size() == 1U);
    BOOST_TEST(record.at(0).at("from") == old_digest);
    BOOST_TEST(record.at(0).at("to") == data_digest("run"));
    BOOST_TEST(refused.says(data_digest("run")), refused.output);
    check_steps("run", 6);

    // As many tokens, two of them exchanged.
    std::string tokens = text_of(source("data/sample/vocab.txt"));
    const auto last = tokens.rfind('\n', tokens.size() - 2);
    const auto before_last = tokens.rfind('\n', last - 1);
    const std::string exchanged = tokens.substr(0, before_last + 1) + tokens.substr(last + 1) +
                                  tokens.substr(before_last + 1, last - before_last);
    write_file(folder / "vocab.txt", exchanged);
    prepare((folder / "vocab.txt").string(), "data");
    const auto vocabulary = pretrain("run", "--steps 8 --allow-dataset-change", 1);
    check_one_error(vocabulary, 78, "vocabulary_hash");
    BOOST_TEST(vocabulary.says("the embeddings belong to the other tokenizer's ids"),
               vocabulary.output);
    BOOST_TEST(!vocabulary.says("vocabulary_size"), vocabulary.output);
}

BOOST_AUTO_TEST_CASE(another_precision_or_machine_or_number_of_ranks_goes_on_and_says_so) {
    make("run");
    const auto bf16 = pretrain("run", "--steps 6 --precision bf16", 3);
    BOOST_TEST_REQUIRE(bf16.code == 0, bf16.output);
    BOOST_TEST(bf16.count("precision bf16, was fp32") == 1, bf16.output);
    BOOST_TEST(bf16.says("ranks 3, was 2"), bf16.output);
    BOOST_TEST(bf16.count("the bits will not be those of a run that was not interrupted") == 2,
               bf16.output);
    check_steps("run", 6);
    const auto same = pretrain("run", "--steps 8 --precision bf16", 3);
    BOOST_TEST_REQUIRE(same.code == 0, same.output);
    BOOST_TEST(!same.says("the bits will not"), same.output);
    const Json platform = state("run").at("platform");
    BOOST_TEST(platform.at("device") == "cpu");
    BOOST_TEST(platform.at("threads") == 1);
}

// Where a run may stand when it goes on: before its first step, close to the end of an epoch, at
// its end. A signal that comes between two micro-batches waits for the step's end.
BOOST_AUTO_TEST_CASE(a_run_goes_on_from_step_0_and_over_the_end_of_an_epoch) {
    const Json manifest = parse_json(text_of(folder / "data" / "manifest.json"), "manifest");
    std::int64_t rows = 0;
    for (const Json& shard : manifest.at("train")) {
        rows += shard.at("rows").get<std::int64_t>();
    }
    // Steps of a third of the rows: the epoch ends within the third or with it, and then anew.
    const std::int64_t micro_batch = rows / 27;
    const std::int64_t batch = 9 * micro_batch;
    const auto epochs = [&](const std::string& run, const std::string& more) {
        std::string command = pretrain_command(3, folder.path(), run, more);
        const std::string twelve = "--global-batch 12 --micro-batch 1 ";
        command.replace(command.find(twelve), twelve.size(),
                        "--global-batch " + std::to_string(batch) + " --micro-batch " +
                            std::to_string(micro_batch) + " ");
        return command;
    };
    const auto straight = run_command(epochs("straight", "--steps 8 --keep-checkpoints 20"));
    BOOST_TEST_REQUIRE(straight.code == 0, straight.output);
    BOOST_TEST_REQUIRE(run_command(epochs("pieces", "--steps 0")).code == 0);
    BOOST_TEST(fs::exists(folder / "pieces/checkpoints/step-00000000"));
    for (const char* last : {"3", "4", "8"}) {
        const auto piece = run_command(
            "HPML_FAULT=term@site=step,rank=1,step=" + std::to_string(std::stoi(last) - 1) + " " +
            epochs("pieces", "--steps 8 --keep-checkpoints 20"));
        BOOST_TEST_REQUIRE(piece.code == 0, piece.output);
        BOOST_TEST(piece.says(std::string("after step ") + last), piece.output);
    }
    for (const char* file : {"model.safetensors", "optimizer.safetensors"}) {
        BOOST_TEST(
            digest("straight", "step-00000008", file) == digest("pieces", "step-00000008", file),
            file);
    }
    check_steps("pieces", 8);
    const auto again = run_command(epochs("pieces", "--steps 8 --keep-checkpoints 20"));
    BOOST_TEST(again.code == 0, again.output);
    BOOST_TEST(again.says("all 8 steps done already"), again.output);
}

BOOST_AUTO_TEST_SUITE_END()
