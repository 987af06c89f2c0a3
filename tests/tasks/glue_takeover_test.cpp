// Two starts in one run directory: what one of them does while the other counts on it.

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "mpi/communicator.h"
#include "tasks/glue.h"
#include "tasks/glue_scene.h"

using namespace hpml;
using namespace hpml::test;

namespace {

/// A context with everything that a test does not care about.
struct Scenery {
    explicit Scenery(const mpi::Communicator& ranks, double max_hours = 0)
        : log(ranks.rank(), false),
          context{.ranks = ranks,
                  .log = log,
                  .observer = recorder,
                  .signals = signals,
                  .limit = train::TimeLimit(max_hours)} {}
    Recorder recorder;
    Log log;
    train::StopSignals signals;
    tasks::GlueContext context;
};

ExitCode code_of(const tasks::GlueOptions& options, const tasks::GlueContext& context) {
    try {
        (void)tasks::run_glue(options, context);
    } catch (const Error& error) {
        return error.code();
    }
    return ExitCode::Finished;
}

/// Puts a file where the checkpoints are, so that the next listing of them fails.
class Saboteur : public Recorder {
  public:
    void on_checkpoint(const train::CheckpointRecord& record) override {
        const auto all = record.folder.parent_path();
        std::filesystem::rename(all, all.string() + ".kept");
        write_file(all, "no folder");
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(glue_takeover_suite)

BOOST_AUTO_TEST_CASE(a_later_start_keeps_a_stopped_one_from_publishing) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    const tasks::GlueOptions options = scene.options("taken");
    Scenery scenery(ranks, 1e-12);
    scenery.context.may_publish = [] { return false; };
    const ExitCode code = code_of(options, scenery.context);
    BOOST_TEST((code == ExitCode::Mismatch));
    BOOST_TEST(checkpoint::list_checkpoints(options.run).empty());
}

BOOST_AUTO_TEST_CASE(a_later_start_keeps_a_finished_one_from_writing_results) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    for (const int granted : {0, 1, 3, 4, 5}) {
        const tasks::GlueOptions options = scene.options("taken" + std::to_string(granted));
        Scenery scenery(ranks);
        int asked = 0;
        scenery.context.may_publish = [&] { return asked++ < granted; };
        // The later start's checkpoint.
        scenery.context.before_writing = [&] {
            std::filesystem::create_directories(options.run / "checkpoints/later");
        };
        const ExitCode code = code_of(options, scenery.context);
        const auto stands = [&](const char* name) {
            return std::filesystem::exists(options.run / name);
        };
        BOOST_TEST((code == ExitCode::Mismatch));
        BOOST_TEST(stands("checkpoints/later"));
        BOOST_TEST(stands("model") == (granted > 0));
        BOOST_TEST(stands("dev_predictions.tsv") == (granted > 1));
        BOOST_TEST(stands("predict_results_sst2.txt") == (granted > 2));
        BOOST_TEST(stands("eval_results.json") == (granted > 3));
        BOOST_TEST(stands("all_results.json") == (granted > 4));
        ranks.barrier();
    }
}

BOOST_AUTO_TEST_CASE(what_finishes_before_the_run_directory_is_ours_is_shown_or_refused) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    for (const std::string run_name : {"same", "other"}) {
        tasks::GlueOptions options = scene.options(run_name);
        tasks::GlueOptions faster = options;
        if (run_name == "other") {
            faster.recipe.seed = 7;
        }
        Scenery scenery(ranks);
        std::string results;
        bool has_written = false;
        scenery.context.take_run = [&] {
            (void)run(faster, mpi::Communicator());
            results = read_text(options.run / "all_results.json");
            return std::int64_t{2};
        };
        scenery.context.before_writing = [&] { has_written = true; };
        bool was_finished = false;
        ExitCode code = ExitCode::Finished;
        try {
            was_finished = tasks::run_glue(options, scenery.context).was_finished;
        } catch (const Error& error) {
            code = error.code();
        }
        BOOST_TEST((code == (run_name == "same" ? ExitCode::Finished : ExitCode::Mismatch)));
        BOOST_TEST(was_finished == (run_name == "same"));
        BOOST_TEST(!has_written);
        BOOST_TEST(scenery.recorder.losses.empty());
        if (ranks.is_root()) {
            BOOST_TEST(read_text(options.run / "all_results.json") == results);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_stop_whose_checkpoint_stands_is_planned_even_if_older_ones_cannot_go) {
    const auto ranks = mpi::Communicator::world();
    const Scene scene(ranks);
    const tasks::GlueOptions options = scene.options("kept");
    Saboteur saboteur;
    const Log log(ranks.rank(), false);
    const train::StopSignals signals;
    const auto outcome = tasks::run_glue(options, {.ranks = ranks,
                                                   .log = log,
                                                   .observer = saboteur,
                                                   .signals = signals,
                                                   .limit = train::TimeLimit(1e-12)});
    BOOST_TEST(outcome.stop_reason != "");
    BOOST_TEST(outcome.step.value == 1);
    const auto checkpoint = options.run / "checkpoints.kept/step-00000001";
    BOOST_TEST(checkpoint::verify_checkpoint(checkpoint).step.value == 1);
}

BOOST_AUTO_TEST_SUITE_END()
