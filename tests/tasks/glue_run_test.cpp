#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "tasks/glue.h"
#include "tasks/glue_scene.h"
#include "tasks/glue_training.h"

using namespace hpml;
using namespace hpml::test;

namespace {

/// The exit code and text with which every rank fails.
std::pair<ExitCode, std::string> failure(const tasks::GlueOptions& options,
                                         const mpi::Communicator& ranks) {
    try {
        run(options, ranks);
    } catch (const Error& error) {
        return {error.code(), error.what()};
    }
    return {ExitCode::Finished, ""};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(glue_run_suite)

BOOST_AUTO_TEST_CASE(batches_do_not_cross_epochs_and_are_dealt_out_without_gap) {
    BOOST_TEST(tasks::rows_of_step(2, 10, 4).end == 10);
    BOOST_TEST(tasks::rows_of_step(3, 10, 4).begin == 10);
    BOOST_TEST(tasks::rows_of_step(3, 10, 4).end == 14);
    for (const int size : {1, 2, 3, 5, 7}) {
        std::int64_t next = 20;
        for (int rank = 0; rank < size; ++rank) {
            const auto part = tasks::part_of_rank({20, 23}, rank, size);
            BOOST_TEST(part.begin == next);
            next = part.end;
        }
        BOOST_TEST(next == 23);
    }
}

BOOST_AUTO_TEST_CASE(losses_with_dropout_do_not_depend_on_the_ranks_or_the_micro_batch) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    const Taken together = run(scene.options("together"), ranks);
    tasks::GlueOptions options = scene.options("alone-" + std::to_string(ranks.rank().value));
    options.recipe.micro_batch = 8;
    const Taken alone = run(options, mpi::Communicator());
    BOOST_TEST(alone.losses.size() == 15u);  // 3 epochs of 34 rows in batches of 8
    if (ranks.is_root()) {
        BOOST_TEST_REQUIRE(together.losses.size() == alone.losses.size());
        for (std::size_t i = 0; i < alone.losses.size(); ++i) {
            BOOST_TEST(together.losses[i] == alone.losses[i], boost::test_tools::tolerance(1e-4));
        }
    }
    BOOST_TEST(together.outcome.scores[0].value == alone.outcome.scores[0].value);
}

BOOST_AUTO_TEST_CASE(a_word_that_decides_is_learned_and_all_files_are_written) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    tasks::GlueOptions options = scene.options("learns");
    options.recipe.epochs = 10;
    const Taken taken = run(options, ranks);
    BOOST_TEST(taken.outcome.scores[0].value > 0.9);
    BOOST_TEST(tasks::beats_majority(taken.outcome.scores));
    for (const char* name : {"settings.json", "all_results.json", "eval_results.json",
                             "dev_predictions.tsv", "model/model.safetensors", "model/config.json",
                             "model/vocab.txt", "model/tokenizer_config.json"}) {
        BOOST_TEST(std::filesystem::exists(options.run / name), name << " is missing");
    }
    BOOST_TEST(read_text(options.run / "predict_results_sst2.txt") ==
               "index\tprediction\n0\t1\n1\t0\n");
}

BOOST_AUTO_TEST_CASE(a_finished_run_is_shown_and_not_repeated) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    const Taken first = run(scene.options("again"), ranks);
    tasks::GlueOptions options = scene.options("again");
    options.recipe.micro_batch = 1;  // decides memory only
    const Taken second = run(options, ranks);
    BOOST_TEST(!first.outcome.was_finished);
    BOOST_TEST(second.outcome.was_finished);
    BOOST_TEST(second.losses.empty());
    BOOST_TEST(second.outcome.scores[0].value == first.outcome.scores[0].value);
}

BOOST_AUTO_TEST_CASE(other_settings_or_data_in_a_used_run_directory_are_refused_with_a_table) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    run(scene.options("used"), ranks);
    tasks::GlueOptions options = scene.options("used");
    options.recipe.learning_rate = 1e-3;
    options.recipe.seed = 7;
    const auto [code, text] = failure(options, ranks);
    scene.replace("dev.tsv", task_text(22));
    const auto [data_code, data_text] = failure(scene.options("used"), ranks);
    BOOST_TEST((code == ExitCode::Mismatch));
    BOOST_TEST(text.find("\n  learning_rate ") != std::string::npos, text);
    BOOST_TEST(text.find("\n  seed ") != std::string::npos, text);
    BOOST_TEST(text.find("\n  epochs") == std::string::npos, text);
    BOOST_TEST((data_code == ExitCode::Mismatch));
    BOOST_TEST(data_text.find("\n  dev_data ") != std::string::npos, data_text);
}

BOOST_AUTO_TEST_CASE(a_folder_with_other_files_is_refused_and_stays_as_it_is) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    const auto [code, text] = failure(scene.options(""), ranks);
    BOOST_TEST((code == ExitCode::Mismatch));
    BOOST_TEST(text.find("holds no fine-tuning run") != std::string::npos, text);
    BOOST_TEST(!std::filesystem::exists(scene / "settings.json"));
}

BOOST_AUTO_TEST_CASE(an_unfinished_run_starts_over_and_ends_the_same) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    const tasks::GlueOptions options = scene.options("cut");
    const Taken first = run(options, ranks);
    if (ranks.is_root()) {
        std::filesystem::remove(options.run / "all_results.json");
    }
    ranks.barrier();
    const Taken second = run(options, ranks);
    BOOST_TEST(!second.outcome.was_finished);
    BOOST_TEST(second.losses == first.losses, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_run_that_is_stopped_after_every_step_ends_with_the_same_bits) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    const Taken whole = run(scene.options("whole"), ranks);
    const tasks::GlueOptions options = scene.options("pieces");
    std::vector<double> losses;
    const auto steps = whole.outcome.results.at("train_steps").get<std::int64_t>();
    for (std::int64_t step = 1; step <= steps; ++step) {
        const Taken piece = run(options, ranks, train::TimeLimit(1e-12));
        losses.insert(losses.end(), piece.losses.begin(), piece.losses.end());
        BOOST_TEST(piece.outcome.step.value == step);
        BOOST_TEST(piece.outcome.stop_reason.find("--max-hours") != std::string::npos);
        BOOST_TEST(!std::filesystem::exists(options.run / "all_results.json"));
        ranks.barrier();
    }
    const Taken last = run(options, ranks);
    BOOST_TEST(last.losses.empty());
    BOOST_TEST(losses == whole.losses, boost::test_tools::per_element());
    BOOST_TEST(last.outcome.results.at("train_loss") == whole.outcome.results.at("train_loss"));
    for (const char* name : {"dev_predictions.tsv", "model/model.safetensors"}) {
        BOOST_TEST((read_text(options.run / name) == read_text(scene / "whole" / name)), name);
    }
    BOOST_TEST(!std::filesystem::exists(options.run / "checkpoints"));
}

BOOST_AUTO_TEST_CASE(a_fine_tuned_folder_evaluates_to_the_same_outputs) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    const Taken first = run(scene.options("tuned"), ranks);
    tasks::GlueOptions options = scene.options("evaluated");
    options.init_from = (scene / "tuned/model").string();
    options.recipe.epochs = 0;
    const Taken second = run(options, ranks);
    BOOST_TEST(second.losses.empty());
    BOOST_TEST(read_text(options.run / "dev_predictions.tsv") ==
               read_text(scene / "tuned/dev_predictions.tsv"));
    BOOST_TEST(!second.outcome.results.contains("train_loss"));
}

BOOST_AUTO_TEST_CASE(random_from_a_folder_takes_its_shape_and_vocabulary_only) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    const Taken plain = run(scene.options("plain"), ranks);
    tasks::GlueOptions options = scene.options("shaped");
    options.init_from = "random:" + (scene / "plain/model").string();
    options.model.clear();
    options.vocabulary.clear();
    const Taken shaped = run(options, ranks);
    if (ranks.is_root()) {
        BOOST_TEST(shaped.losses.at(0) != 0.0);
    }
    BOOST_TEST(shaped.losses.size() == plain.losses.size());
}

BOOST_AUTO_TEST_CASE(bad_input_ends_alike_on_every_rank_with_one_message) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    tasks::GlueOptions options = scene.options("bad");
    options.max_sequence_length = 64;
    const auto [length_code, length_text] = failure(options, ranks);
    options = scene.options("bad");
    options.init_from = (scene / "absent").string();
    const auto [absent_code, absent_text] = failure(options, ranks);
    options = scene.options("bad");
    options.vocabulary.clear();
    const auto [vocabulary_code, vocabulary_text] = failure(options, ranks);
    scene.replace("train.tsv", "sentence\tlabel\nthe film is good\t1\nthe film\tis\t0\n");
    const auto [line_code, line_text] = failure(scene.options("bad"), ranks);

    BOOST_TEST((length_code == ExitCode::Usage));
    BOOST_TEST(length_text.find("--max-sequence-length 64 is beyond the model's 32 positions") !=
                   std::string::npos,
               length_text);
    BOOST_TEST((absent_code == ExitCode::MissingInput));
    BOOST_TEST(absent_text.find("absent is not a folder") != std::string::npos, absent_text);
    BOOST_TEST((vocabulary_code == ExitCode::Usage));
    BOOST_TEST(vocabulary_text.find("needs --model and --vocab") != std::string::npos);
    BOOST_TEST((line_code == ExitCode::Input));
    BOOST_TEST(line_text.find("train.tsv:3: 3 columns") != std::string::npos, line_text);
    BOOST_TEST(!std::filesystem::exists(scene / "bad"));
}

BOOST_AUTO_TEST_SUITE_END()
