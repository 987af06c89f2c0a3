// hpml_pretrain: masked-language-model pretraining of a BERT-class encoder under MPI.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "apps/default_recipe.h"
#include "apps/hpml_pretrain_observer.h"
#include "apps/hpml_pretrain_options.h"
#include "apps/hpml_training.h"
#include "apps/program.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/version.h"
#include "manifest/manifest.h"
#include "report/run_lock.h"
#include "tasks/memory_estimate.h"
#include "tasks/pretrain_checkpoint.h"
#include "tasks/space_estimate.h"
#include "train/budget.h"
#include "train/handshake.h"
#include "train/watched_ranks.h"

namespace {

using namespace hpml;

/// Decided options and the corpus, the same on every rank.
struct Setup {
    corpus::Manifest manifest;
    tasks::PretrainOptions options;
};

Setup set_up(const PretrainProgramOptions& options, const mpi::Communicator& ranks) {
    Setup setup;
    setup.manifest = tasks::read_corpus(options.run, ranks);
    mpi::agree(ranks,
               [&] { setup.options = tasks::resolve(options.run, setup.manifest, ranks.size()); });
    const BuildInfo build = build_info();
    train::require_same(ranks, "program version", build.version + " " + build.git_revision);
    train::require_same(ranks, "corpus manifest", setup.manifest.digest().hex());
    return setup;
}

/// "1000 steps", "1000 steps or 24 hours", "24 hours", "any number of steps".
std::string length_text(const train::Budget& budget) {
    const std::string hours =
        budget.time > Seconds(0)
            ? fmt::format("{:g} hours", budget.time.value / tasks::kSecondsOfHour)
            : "";
    if (budget.steps == tasks::kUnlimitedSteps) {
        return hours.empty() ? "any number of steps" : hours;
    }
    return fmt::format("{} steps{}{}", budget.steps, hours.empty() ? "" : " or ", hours);
}

std::string warmup_text(const optim::ScheduleOptions& schedule) {
    if (schedule.warmup_proportion > 0) {
        return fmt::format("warm-up of {:g} % of the {}", 100 * schedule.warmup_proportion,
                           schedule.clock == optim::ScheduleClock::Hours ? "hours" : "steps");
    }
    return schedule.warmup_steps > 0 ? fmt::format("warm-up of {} steps", schedule.warmup_steps)
                                     : "no warm-up";
}

std::string optimizer_text(const tasks::PretrainOptions& options) {
    const auto& schedule = options.schedule;
    const std::string rate = options.optimizer.relative_step
                                 ? "step sizes of its own"
                                 : fmt::format("learning rate {:g} {}, {}", schedule.peak,
                                               schedule.name, warmup_text(schedule));
    return fmt::format("{}, {}; {}", options.optimizer.name, rate, length_text(options.budget));
}

/// Of elastic sums some ranks may have one micro-batch more than others.
std::string batch_text(const tasks::PretrainOptions& options, int ranks) {
    const std::int64_t count = options.global_batch / options.micro_batch;
    const std::string shares = count % ranks == 0
                                   ? fmt::format("{} ranks x {} micro-batches of {}", ranks,
                                                 count / ranks, options.micro_batch)
                                   : fmt::format("{} micro-batches of {} over {} ranks", count,
                                                 options.micro_batch, ranks);
    const std::string ramp =
        options.ramp.is_on() ? fmt::format(", at first {}", options.ramp.start) : "";
    return fmt::format("{} sequences = {}{}", options.global_batch, shares, ramp);
}

/// The program's own lines of the banner.
std::vector<BannerRow> about(const Setup& setup, int ranks) {
    const auto& options = setup.options;
    const auto& manifest = setup.manifest;
    const auto config = tasks::model_of(options, manifest);
    return {
        {"data", fmt::format("{}, {} rows of up to {} tokens, {}; manifest {}",
                             options.data.string(), manifest.train_rows(), manifest.sequence_length,
                             manifest.kind == corpus::CorpusKind::MaskedRows
                                 ? std::string("masked as they are stored")
                                 : fmt::format("{} tokens", manifest.train_tokens),
                             manifest.digest().hex().substr(0, 12))},
        {"model",
         fmt::format(
             "{} layers x {}, {}-LN, {:.1f} M parameters, {}", config.layers, config.hidden_size,
             config.norm == model::EncoderNorm::Pre ? "pre" : "post",
             static_cast<double>(parameter_count(config, model::Head::MaskedLm)) / 1e6,
             model::describe(model::choose_precision(options.precision, options.device == "cuda"),
                             options.device == "cuda"))},
        {"batch", batch_text(options, ranks)},
        {"optimizer", optimizer_text(options)}};
}

/// Whether the run has come to its end before this start, so that nothing more is to be written.
bool is_finished(const tasks::PretrainOptions& options, const tasks::PretrainContext& context) {
    if (context.resume_from.empty()) {
        return false;
    }
    train::RunProgress progress = tasks::progress_of(context.resume_from);
    const double used = train::share_used(options.budget, progress);
    if (options.validation.is_due(progress.step, used)) {
        progress.validation_loss = context.validated(progress.step);
    }
    return !train::reason_to_end(options.budget, progress).empty();
}

/// @throw OutputError  before hours of work whose checkpoints could not be kept
void check_space(const Setup& setup, const tasks::PretrainContext& context) {
    const auto& options = setup.options;
    if (is_finished(options, context)) {
        return;
    }
    const auto space = tasks::estimate_space(options, tasks::model_of(options, setup.manifest));
    if (space.fits()) {
        return;
    }
    if (options.little_space == tasks::LittleSpace::Refuse) {
        throw OutputError(space.explain() + ", or go on all the same with --little-space warn");
    }
    context.log.warn("{}", space.explain());
}

/// Everything that a reader of the log needs to know about this start, and to repeat it.
/// Collective.
void print_start(const Setup& setup, const Invocation& invocation,
                 tasks::PretrainContext& context) {
    const auto& options = setup.options;
    Banner banner;
    banner.program = "hpml_pretrain";
    banner.libraries = training_libraries();
    banner.run = options.run;
    banner.resume_point = context.resume_from.filename().string();
    banner.time_limit = context.limit.explain();
    banner.seed = options.seed;
    banner.about = about(setup, context.ranks.size());
    banner.command = invocation.command;
    banner.notes = invocation.notes;
    const auto compute =
        look_around({options.device, options.threads, options.communication.progress},
                    context.ranks, context.log, banner);
    context.progress = compute.progress;
    context.accelerator = compute.accelerator;
    describe_resources(
        compute.accelerator.cuda != nullptr,
        tasks::estimate_memory(
            options, tasks::model_of(options, setup.manifest), tasks::row_lengths(setup.manifest),
            {.all = context.ranks.size(), .of_node = compute.threads.ranks_on_node})
            .total(),
        banner);
    const auto places = gather_places(banner, context.ranks);
    if (context.ranks.is_root()) {
        print_banner(banner, places, context.log);
    }
    mpi::on_root(context.ranks, [&] { check_space(setup, context); });
}

RunState state_of(tasks::Verdict verdict) {
    return verdict == tasks::Verdict::Finished ? RunState::Finished : RunState::Interrupted;
}

/// The right to write in the run directory; rank 0 holds the lock.
class RunOwner {
  public:
    RunOwner(const PretrainProgramOptions& options, const mpi::Communicator& ranks, Log& log) {
        mpi::on_root(ranks, [&] {
            const auto& run = options.run.run;
            tasks::refuse_used_run(options.run);
            make_folders(run);
            lock_ =
                std::make_unique<RunLock>(run, options.break_lock ? BreakLock::Yes : BreakLock::No);
            log.also_to_file((run / "log.txt").string());
            if (!lock_->notice().empty()) {
                log.info("{}", lock_->notice());
            }
        });
        generation_ = std::stoll(ranks.broadcast(std::to_string(lock_ ? lock_->generation() : 0)));
    }

    [[nodiscard]] std::int64_t generation() const { return generation_; }
    /// Whether no later start has begun; asked on rank 0.
    [[nodiscard]] bool is_current() const { return !lock_ || lock_->is_current(); }

  private:
    std::unique_ptr<RunLock> lock_;
    std::int64_t generation_ = 0;
};

int pretrain(const PretrainProgramOptions& wanted, const Invocation& invocation,
             const mpi::Communicator& world, const train::StopSignals& signals) {
    check_launch(world.size());
    train::require_same(world, "options", invocation.effective_config);
    Log log(world.rank(), world.is_root(), stderr_style(wanted.color));
    comm::WatchdogOptions watching = wanted.run.communication.watchdog;
    watching.folder = wanted.run.run;
    train::WatchedRanks watched(watching, world, log);
    const mpi::Communicator& ranks = watched.ranks();
    PretrainProgramOptions options = wanted;
    (void)fault_point("start", Step(0), ranks.rank());
    const Setup setup = set_up(options, ranks);
    options.run = setup.options;
    const RunOwner owner(options, ranks, log);
    // Nothing of an earlier start is overwritten before it is sure that this one belongs to it.
    const auto resume = tasks::choose_resume_point(options.run, setup.manifest, ranks, log);
    const auto is_current = [&owner] { return owner.is_current(); };
    std::unique_ptr<PretrainObserver> observer;
    mpi::on_root(ranks, [&] {
        write_text_atomically(options.run.run / "config.cfg", invocation.effective_config);
        observer = std::make_unique<PretrainObserver>(
            options, log, RunStart{ranks.size(), owner.generation(), is_current});
    });
    train::SilentObserver silent;
    try {
        const auto ask = ranks.is_root() ? train::AskSqueue::Yes : train::AskSqueue::No;
        tasks::PretrainContext context{
            .ranks = ranks,
            .log = log,
            .observer = observer ? static_cast<train::Observer&>(*observer) : silent,
            .signals = signals,
            .limit = train::TimeLimit(options.run.max_hours, train::process_time_sources(ask)),
            .resume_from = resume.folder,
            .overrides = resume.overrides,
            .generation = owner.generation(),
            .may_publish = is_current,
            .validated = [&options](Step step) -> std::optional<double> {
                const auto last = last_metric(options.run.run / "metrics.jsonl", "validation");
                if (!last || last->at("step") != step.value) {
                    return std::nullopt;
                }
                // Not a number stands there as null, as JSON demands.
                const Json& loss = last->at("validation_loss");
                return loss.is_number() ? loss.get<double>() : std::nan("");
            },
            .watchdog = &watched.watchdog()};
        print_start(setup, invocation, context);
        const auto outcome = tasks::pretrain(options.run, setup.manifest, context);
        if (observer) {
            observer->on_end(state_of(outcome.verdict), 0, outcome.reason);
        }
        log.info("{} after step {}: {}", state_word(state_of(outcome.verdict)), outcome.step.value,
                 outcome.reason);
    } catch (...) {
        if (observer) {
            const Failure failure = current_failure();
            observer->on_end(RunState::Failed, failure.code, failure.message);
        }
        throw;
    }
    const comm::Watchdog::Phase phase(&watched.watchdog(), "the end");
    ranks.barrier();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    PretrainProgramOptions options;
    OptionTable table("hpml_pretrain",
                      "Pretrain a BERT-class encoder with masked language modelling");
    declare_pretrain_options(table, options);
    table.example(
        "mpirun -np 16 hpml_pretrain --config jobs/pretrain_bert_base.cfg --data DIR --run DIR",
        "pretrain BERT-base; the same command goes on after an interruption");
    const std::span arguments(argv, static_cast<std::size_t>(argc));
    use_default_recipe(table, arguments);
    return run_training_program(table, arguments, {options.stop_signals, options.color},
                                [&](const Invocation& invocation, const mpi::Communicator& world,
                                    const train::StopSignals& signals) {
                                    return pretrain(options, invocation, world, signals);
                                });
}
