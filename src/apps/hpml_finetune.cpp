// hpml_finetune: fine-tune an encoder on a GLUE task, evaluate it beside the majority baseline,
// predict.

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "apps/hpml_finetune_observer.h"
#include "apps/hpml_finetune_options.h"
#include "apps/hpml_training.h"
#include "apps/program.h"
#include "corpus/glue.h"
#include "report/results.h"
#include "tasks/memory_estimate.h"
#include "train/handshake.h"
#include "train/watched_ranks.h"

namespace {

using namespace hpml;

/// The memory of a rank: as for pretraining without a masked-language head, whose few matrices more
/// than a classifier's are the error of this estimate.
Bytes estimated_memory(const tasks::GlueOptions& options, const model::ModelConfig& config,
                       const tasks::JobRanks& ranks) {
    tasks::PretrainOptions like;
    like.optimizer = options.optimizer;
    like.dropout = options.recipe.dropout;
    like.masking_rate = 0;
    like.micro_batch =
        std::min(options.recipe.micro_batch, (options.recipe.batch + ranks.all - 1) / ranks.all);
    const tasks::RowLengths rows{options.max_sequence_length,
                                 static_cast<double>(options.max_sequence_length)};
    return tasks::estimate_memory(like, config, rows, ranks).total();
}

/// The program's own lines of the banner.
std::vector<BannerRow> about(const tasks::GlueOptions& options, const tasks::GlueReport& report) {
    const tasks::FineTuneOptions& recipe = options.recipe;
    const model::ModelConfig& model = report.model;
    const auto hash = [&](const char* key) {
        return report.settings.at(key).get<std::string>().substr(0, 12);
    };
    return {{"data", fmt::format("{}, {} training, {} dev, {} test rows; train.tsv {}, dev.tsv {}",
                                 options.data.string(), report.train_rows, report.dev_rows,
                                 report.test_rows, hash("train_data"), hash("dev_data"))},
            {"model", fmt::format("{}, {} layers x {}, weights {}", options.init_from, model.layers,
                                  model.hidden_size, hash("initial_weights"))},
            {"recipe", fmt::format("{}, {} epochs, batch {}, learning rate {:g}, {} tokens a row",
                                   options.task, recipe.epochs, recipe.batch, recipe.learning_rate,
                                   options.max_sequence_length)}};
}

void print_results(const FinetuneProgramOptions& options, const tasks::GlueOutcome& outcome) {
    const auto& task = corpus::glue_task(options.run.task);
    std::vector<ScoreRow> rows;
    for (const tasks::Score& score : outcome.scores) {
        rows.push_back({task.title, score.name, score.value, score.baseline, ""});
    }
    fmt::print("{}run directory: {}\n", score_table(rows), options.run.run.string());
}

/// What the outcome means to a user. @return the state for status.json
RunState conclude(const FinetuneProgramOptions& options, const tasks::GlueOutcome& outcome,
                  const Log& log) {
    if (!outcome.stop_reason.empty()) {
        log.info("interrupted after step {}: {}; the same command goes on there",
                 outcome.step.value, outcome.stop_reason);
        return RunState::Interrupted;
    }
    if (outcome.was_finished) {
        log.info("finished already with these settings; nothing to do");
    }
    if (!tasks::beats_majority(outcome.scores)) {
        log.warn("not every score is above the majority baseline: little has been learned");
    }
    if (log.speaks()) {
        print_results(options, outcome);
    }
    return RunState::Finished;
}

int finetune(const FinetuneProgramOptions& options, const Invocation& invocation,
             const mpi::Communicator& world, const train::StopSignals& signals) {
    check_launch(world.size());
    train::require_same(world, "options", invocation.effective_config);
    Log log(world.rank(), world.is_root(), stderr_style(options.color));
    comm::WatchdogOptions watching = options.run.communication.watchdog;
    watching.folder = options.run.run;
    train::WatchedRanks watched(watching, world, log);
    const mpi::Communicator& ranks = watched.ranks();
    FinetuneObserver observer(options, log, ranks.size());
    try {
        const auto ask = ranks.is_root() ? train::AskSqueue::Yes : train::AskSqueue::No;
        tasks::GlueContext context{
            .ranks = ranks,
            .log = log,
            .observer = observer,
            .signals = signals,
            .limit = train::TimeLimit(options.max_hours, train::process_time_sources(ask)),
            .watchdog = &watched.watchdog()};
        Banner banner;
        banner.program = "hpml_finetune";
        banner.libraries = training_libraries();
        banner.run = options.run.run;
        banner.time_limit = context.limit.explain();
        banner.seed = options.run.recipe.seed;
        banner.command = invocation.command;
        banner.notes = invocation.notes;
        const auto compute =
            look_around({options.run.device, options.threads, options.run.communication.progress},
                        ranks, log, banner);
        context.progress = compute.progress;
        context.accelerator = compute.accelerator;
        const auto places = gather_places(banner, ranks);
        context.take_run = [&] { return observer.take_run(); };
        context.before_writing = [&] { observer.begin(invocation.effective_config); };
        context.may_publish = [&] { return observer.is_current(); };
        context.before_training = [&](const tasks::GlueReport& report) {
            banner.about = about(options.run, report);
            banner.resume_point = report.resume_point;
            describe_resources(
                context.accelerator.cuda != nullptr,
                estimated_memory(options.run, report.model,
                                 {.all = ranks.size(), .of_node = compute.threads.ranks_on_node}),
                banner);
            print_banner(banner, places, log);
        };
        const auto outcome = tasks::run_glue(options.run, context);
        const RunState state = conclude(options, outcome, log);
        observer.conclude(state, outcome.stop_reason.empty() ? "evaluated" : outcome.stop_reason);
        const comm::Watchdog::Phase phase(&watched.watchdog(), "the end");
        ranks.barrier();
    } catch (...) {
        const Failure failure = current_failure();
        observer.on_end(RunState::Failed, failure.code, failure.message);
        throw;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    FinetuneProgramOptions options;
    OptionTable table("hpml_finetune",
                      "Fine-tune an encoder on a GLUE task, evaluate it beside the majority "
                      "baseline and predict");
    declare_finetune_options(table, options);
    return run_training_program(table, std::span(argv, static_cast<std::size_t>(argc)),
                                {options.stop_signals, options.color},
                                [&](const Invocation& invocation, const mpi::Communicator& world,
                                    const train::StopSignals& signals) {
                                    return finetune(options, invocation, world, signals);
                                });
}
