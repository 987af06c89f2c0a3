// hpml_finetune: fine-tune an encoder on a GLUE task, evaluate it beside the majority baseline,
// predict.

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>

#include "apps/hpml_finetune_observer.h"
#include "apps/hpml_finetune_options.h"
#include "apps/program.h"
#include "base/version.h"
#include "corpus/glue.h"
#include "mpi/environment.h"
#include "report/results.h"
#include "train/handshake.h"
#include "train/threads.h"

namespace {

using namespace hpml;

/// Threads, device and who drives the communication; printed, with a warning about idle cores.
tasks::GlueContext make_context(const FinetuneProgramOptions& options,
                                const mpi::Communicator& ranks, const Log& log,
                                train::Observer& observer) {
    const auto threads = train::choose_threads(ranks, options.threads);
    at::set_num_threads(threads.threads);
    at::init_num_threads();
    const auto facts = train::progress_facts(ranks, threads, mpi::Environment::multiple());
    tasks::GlueContext context{.ranks = ranks,
                               .log = log,
                               .observer = observer,
                               .progress = comm::choose_progress(facts),
                               .accelerator = train::choose_accelerator(options.run.device, ranks)};
    const BuildInfo build = build_info();
    log.info("hpml_finetune {} ({}, {}), LibTorch {}", build.version, build.git_revision,
             build.build_type, TORCH_VERSION);
    log.info("ranks: {}; device: {}", ranks.size(), context.accelerator.description);
    log.info("threads: {}; communication {}", threads.explanation, comm::explain(facts));
    if (threads.idle_cores > 0 && !context.accelerator.cuda) {
        log.warn("{} of {} cores on this node stay idle; use more --threads or more ranks",
                 threads.idle_cores, threads.cores_on_node);
    }
    return context;
}

void print_results(const FinetuneProgramOptions& options, const tasks::GlueOutcome& outcome) {
    const auto& task = corpus::glue_task(options.run.task);
    std::vector<ScoreRow> rows;
    for (const tasks::Score& score : outcome.scores) {
        rows.push_back({task.title, score.name, score.value, score.baseline, ""});
    }
    fmt::print("{}run directory: {}\n", score_table(rows), options.run.run.string());
}

int finetune(const FinetuneProgramOptions& options, const std::string& effective_config,
             const mpi::Communicator& ranks) {
    check_launch(ranks.size());
    train::require_same(ranks, "options", effective_config);
    Log log(ranks.rank(), ranks.is_root(), stderr_style(options.color));
    FinetuneObserver observer(options, log, ranks.size());
    try {
        tasks::GlueContext context = make_context(options, ranks, log, observer);
        context.before_writing = [&] { observer.take_run(effective_config); };
        const auto outcome = tasks::run_glue(options.run, context);
        if (outcome.stopped) {
            log.info("stopped by a signal; the same command starts this run over");
            observer.on_end(RunState::Interrupted, 0, "signal");
            return 0;
        }
        if (outcome.was_finished) {
            log.info("finished already with these settings; nothing to do");
        }
        if (!tasks::beats_majority(outcome.scores)) {
            log.warn("not every score is above the majority baseline: little has been learned");
        }
        if (ranks.is_root()) {
            print_results(options, outcome);
        }
        observer.on_end(RunState::Finished, 0, "evaluated");
    } catch (const Error& error) {
        observer.on_end(RunState::Failed, static_cast<int>(error.code()), error.what());
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
    table.library(std::string("LibTorch ") + TORCH_VERSION);
    return run_parallel_program([&] { return table.parse(argc, argv) == ParseResult::Run; },
                                [&](const mpi::Communicator& world) {
                                    return finetune(options, table.effective_config(), world);
                                });
}
