// hpml_pretrain: masked-language-model pretraining of a BERT-class encoder under MPI.

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "apps/hpml_pretrain_observer.h"
#include "apps/hpml_pretrain_options.h"
#include "apps/places.h"
#include "apps/program.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/version.h"
#include "mpi/environment.h"
#include "report/run_lock.h"
#include "text/vocabulary.h"
#include "train/handshake.h"
#include "train/threads.h"

namespace {

using namespace hpml;

/// Decided options and the corpus, the same on every rank.
struct Setup {
    corpus::Manifest manifest;
    tasks::PretrainOptions options;
};

Setup set_up(const PretrainProgramOptions& options, const mpi::Communicator& ranks) {
    Setup setup;
    mpi::agree(ranks, [&] {
        const auto manifest_file = options.run.data / "manifest.json";
        if (!std::filesystem::exists(manifest_file)) {
            throw MissingInputError(
                "no prepared corpus in " + options.run.data.string() +
                " (manifest.json is not there); make one with\n  hpml_prepare --input "
                "TEXT... --vocab vocab.txt --output " +
                options.run.data.string() + "\nor name another folder with --data or $HPML_DATA");
        }
        setup.manifest = corpus::read_manifest(options.run.data);
        (void)text::Vocabulary(options.run.data / "vocab.txt");
        setup.options = tasks::resolve(options.run, setup.manifest, ranks.size());
    });
    const BuildInfo build = build_info();
    train::require_same(ranks, "program version", build.version + " " + build.git_revision);
    train::require_same(ranks, "corpus manifest", setup.manifest.digest().hex());
    return setup;
}

/// Every host once, in rank order.
std::string hosts_of(const mpi::Communicator& ranks) {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    std::vector<std::string> hosts;
    for (const std::string& host : ranks.all_gather(name.data())) {
        if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) {
            hosts.push_back(host);
        }
    }
    return fmt::format("{}", fmt::join(hosts, " "));
}

void print_banner(const Setup& setup, const mpi::Communicator& ranks, const Log& log,
                  const std::string& hosts) {
    const auto& options = setup.options;
    const auto config = tasks::model_of(options, setup.manifest);
    const BuildInfo build = build_info();
    log.info("hpml_pretrain {} ({}, {}), LibTorch {}", build.version, build.git_revision,
             build.build_type, TORCH_VERSION);
    log.info("ranks: {} on {}", ranks.size(), hosts);
    log.info("data: {}, {} rows of up to {} tokens, {} tokens; manifest {}", options.data.string(),
             setup.manifest.train_rows(), setup.manifest.sequence_length,
             setup.manifest.train_tokens, setup.manifest.digest().hex().substr(0, 12));
    log.info("model: {} layers x {}, {}-LN, {:.1f} M parameters", config.layers, config.hidden_size,
             config.norm == model::EncoderNorm::Pre ? "pre" : "post",
             static_cast<double>(model::parameter_count(config, model::Head::MaskedLm)) / 1e6);
    log.info("batch: {} sequences = {} ranks x {} micro-batches of {}", options.global_batch,
             ranks.size(), options.global_batch / options.micro_batch / ranks.size(),
             options.micro_batch);
    log.info("optimizer: {}, learning rate {:g} {}, {} warm-up steps of {}; seed {}",
             options.optimizer.name, options.schedule.peak, options.schedule.name,
             options.schedule.warmup_steps, options.steps, options.seed);
    log.info("run directory: {} (the same command goes on there)", options.run.string());
}

/// What this process computes on, and who drives the communication.
struct Surroundings {
    comm::Progress progress;
    train::Accelerator accelerator;
};

/// Printed, with a warning about idle cores.
Surroundings look_around(const tasks::PretrainOptions& options, const mpi::Communicator& ranks,
                         const Log& log) {
    const auto threads = train::choose_threads(ranks, options.threads);
    at::set_num_threads(threads.threads);
    at::init_num_threads();
    const auto facts = train::progress_facts(ranks, threads, mpi::Environment::multiple());
    const Surroundings found{comm::choose_progress(facts),
                             train::choose_accelerator(options.device, ranks)};
    log.info("device: {}; precision {}", found.accelerator.description, options.precision);
    log.info("threads: {}; communication {}", threads.explanation, comm::explain(facts));
    if (threads.idle_cores > 0 && !found.accelerator.cuda) {
        log.warn("{} of {} cores on this node stay idle; use more --threads or more ranks",
                 threads.idle_cores, threads.cores_on_node);
    }
    return found;
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

int pretrain(const PretrainProgramOptions& wanted, const std::string& effective_config,
             const mpi::Communicator& ranks) {
    // From the beginning: a warning that comes while the data are checked must not kill the job.
    const train::StopSignals signals;
    check_launch(ranks.size());
    train::require_same(ranks, "options", effective_config);
    Log log(ranks.rank(), ranks.is_root());
    PretrainProgramOptions options = wanted;
    (void)fault_point("start", Step(0), ranks.rank());
    const Setup setup = set_up(options, ranks);
    options.run = setup.options;
    const RunOwner owner(options, ranks, log);
    // Nothing of an earlier start is overwritten before it is sure that this one belongs to it.
    const auto resume_from = tasks::choose_resume_point(options.run, setup.manifest, ranks, log);
    mpi::on_root(ranks,
                 [&] { write_text_atomically(options.run.run / "config.cfg", effective_config); });
    print_banner(setup, ranks, log, hosts_of(ranks));

    std::unique_ptr<PretrainObserver> observer;
    if (ranks.is_root()) {
        observer =
            std::make_unique<PretrainObserver>(options, log, ranks.size(), owner.generation());
    }
    train::SilentObserver silent;
    try {
        const Surroundings surroundings = look_around(options.run, ranks, log);
        tasks::PretrainContext context{
            .ranks = ranks,
            .log = log,
            .observer = observer ? static_cast<train::Observer&>(*observer) : silent,
            .signals = signals,
            .resume_from = resume_from,
            .progress = surroundings.progress,
            .accelerator = surroundings.accelerator};
        context.generation = owner.generation();
        context.may_publish = [&owner] { return owner.is_current(); };
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
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    PretrainProgramOptions options;
    OptionTable table("hpml_pretrain",
                      "Pretrain a BERT-class encoder with masked language modelling");
    declare_pretrain_options(table, options);
    table.library(std::string("LibTorch ") + TORCH_VERSION);
    table.example(
        "mpirun -np 16 hpml_pretrain --config jobs/pretrain_bert_base.cfg --data DIR --run DIR",
        "pretrain BERT-base; the same command goes on after an interruption");
    // A bare call trains BERT-base by its documented recipe; who names a model has a recipe of his
    // own.
    const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
    if (std::none_of(arguments.begin(), arguments.end(), [](const std::string_view argument) {
            return argument.starts_with("--model");
        })) {
        table.default_config(default_config_file("pretrain_bert_base.cfg"));
    }
    return run_parallel_program([&] { return table.parse(argc, argv) == ParseResult::Run; },
                                [&](const mpi::Communicator& world) {
                                    return pretrain(options, table.effective_config(), world);
                                });
}
