#include "tasks/glue.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "corpus/glue.h"
#include "model/parameters.h"
#include "mpi/communicator.h"
#include "mpi/root_text.h"
#include "tasks/glue_checkpoint.h"
#include "tasks/glue_results.h"
#include "tasks/glue_settings.h"
#include "tasks/glue_start.h"

namespace hpml::tasks {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kEvaluationBatch = 64;

/// Bytes a second that a save is expected to reach: a slow shared file system. None is timed before
/// the one at a planned stop.
constexpr double kExpectedDiskRate = 1e8;

/// Weights and both moments of AdamW, in fp32.
Seconds expected_save(const model::ModelConfig& config) {
    const auto parameters =
        static_cast<double>(model::parameter_count(config, model::Head::Classification));
    return Seconds(3 * 4 * parameters / kExpectedDiskRate);
}

/// One split: ids for the model and what is true of them.
struct Split {
    EncodedExamples examples;
    std::vector<float> labels;
};

void check_options(const GlueOptions& options, const model::ModelConfig& config) {
    if (options.max_sequence_length > config.max_positions) {
        throw UsageError(
            fmt::format("--max-sequence-length {} is beyond the model's {} positions "
                        "(its position table ends there); use at most {}",
                        options.max_sequence_length, config.max_positions, config.max_positions));
    }
    if (const auto& trace = options.communication.trace; !trace.empty()) {
        comm::require_trace_folder(trace);
    }
}

train::ReplicaOptions replica_options(const GlueOptions& options, const GlueStart& start,
                                      const GlueContext& context) {
    return {.model = start.config,
            .head = model::Head::Classification,
            .optimizer = options.optimizer,
            .communication = options.communication,
            .progress = context.progress,
            .accelerator = context.accelerator,
            .watchdog = context.watchdog,
            .seed = options.recipe.seed};
}

/// all_results.json, if the run directory holds the finished run with these settings; else empty.
/// @throw MismatchError as is_finished()
std::string finished_results(const fs::path& run, const Json& settings) {
    return is_finished(run, settings) ? read_json(run / GlueFiles::results).dump() : "";
}

GlueOutcome finished_before(const std::string& results) {
    GlueOutcome outcome;
    outcome.was_finished = true;
    outcome.results = parse_json(results, GlueFiles::results);
    return outcome;
}

/// One fine-tuning run that is not finished yet.
class FineTuning {
  public:
    FineTuning(const GlueOptions& options, const GlueStart& start, const GlueContext& context)
        : options_(options),
          start_(start),
          context_(context),
          task_(corpus::glue_task(options.task)),
          train_(empty_split()),
          dev_(empty_split()),
          test_(empty_split()),
          limit_(context.limit) {
        limit_.expect_checkpoint(expected_save(start.config));
        mpi::agree(context.ranks, [&] { read_data(); });
    }

    /// @return with results, or with the reason of a planned stop
    GlueOutcome run(const Json& settings) {
        train::Replica replica(replica_options(options_, start_, context_), context_.ranks,
                               context_.log);
        const std::string loaded = load_start(start_, replica, context_.ranks);
        if (const std::string found = take_run(settings); !found.empty()) {
            return finished_before(found);
        }
        const fs::path checkpoint = begin(settings);
        FineTuneProgress from;
        if (checkpoint.empty()) {
            context_.log.info("{}", loaded);
        } else {
            from = resume_tuning(replica, checkpoint, context_.ranks);
            context_.log.info("resuming after step {} from {}", from.done.value,
                              checkpoint.string());
        }
        (void)context_.signals.take_back();  // by now all libraries have started
        const FineTuneResult training =
            fine_tune({replica, context_.ranks, context_.observer, context_.signals, limit_,
                       context_.watchdog},
                      {train_.examples, train_.labels}, options_.recipe, from);
        replica.finish_trace(context_.log);
        GlueOutcome outcome;
        outcome.step = training.progress.done;
        outcome.stop_reason = training.stop_reason;
        if (!outcome.stop_reason.empty()) {
            save(replica, training.progress);
            return outcome;
        }
        const comm::Watchdog::Phase phase(context_.watchdog, "the evaluation");
        const GlueNumbers numbers = evaluate(replica, training);
        const std::vector<double> test_outputs =
            predict(replica.bert(), context_.ranks, test_.examples, kEvaluationBatch);
        outcome.results = all_results(numbers);
        mpi::on_root(context_.ranks,
                     [&] { write(replica, numbers, test_outputs, outcome.results); });
        return outcome;
    }

  private:
    [[nodiscard]] Split empty_split() const {
        return {EncodedExamples(*start_.tokenizer, options_.max_sequence_length), {}};
    }

    /// Look again, now that the run directory is ours: until then another start may have written
    /// there.
    /// @return as finished_results()
    std::string take_run(const Json& settings) {
        return mpi::text_of_root(context_.ranks, [&] {
            make_folders(options_.run);
            generation_ = context_.take_run();
            return finished_results(options_.run, settings);
        });
    }

    /// The first writing: settings.json.
    /// @return the checkpoint to go on from; empty: there is none
    fs::path begin(const Json& settings) {
        std::string found;
        mpi::on_root(context_.ranks, [&] {
            context_.before_writing();
            fs::remove(options_.run / GlueFiles::results);
            write_json(options_.run / GlueFiles::settings, settings);
            GlueReport report{.model = start_.config,
                              .settings = settings,
                              .train_rows = train_.examples.size(),
                              .dev_rows = dev_.examples.size(),
                              .test_rows = test_.examples.size(),
                              .resume_point = ""};
            const auto if_none = options_.restart_from_scratch
                                     ? checkpoint::IfNoneIsValid::StartOver
                                     : checkpoint::IfNoneIsValid::Refuse;
            if (const auto newest =
                    checkpoint::newest_checkpoint(options_.run, context_.log, if_none)) {
                found = newest->folder.string();
                report.resume_point = fmt::format("step {} ({})", newest->step.value,
                                                  newest->folder.filename().string());
            }
            context_.before_training(report);
        });
        const std::int64_t cut = train_.examples.truncated() + dev_.examples.truncated();
        if (cut > 0) {
            context_.log.info("{} rows are cut to {} tokens", cut, options_.max_sequence_length);
        }
        return context_.ranks.broadcast(found);
    }

    /// At a planned stop. @throw IoError: without this checkpoint the next start begins anew
    void save(train::Replica& replica, const FineTuneProgress& progress) {
        const comm::Watchdog::Phase phase(context_.watchdog, "the checkpoint");
        mpi::on_root(context_.ranks, [&] {
            if (limit_.reached()) {
                context_.log.info("{}", limit_.stopping_line());
            }
            const Stopwatch watch;
            const auto written = checkpoint::write_checkpoint(
                options_.run, generation_, tuning_state(replica, progress, options_, start_),
                [this] { require_ownership(); });
            const Seconds taken = watch.elapsed();
            context_.observer.on_checkpoint(
                {progress.done, written.folder, written.bytes, taken, taken});
            try {
                checkpoint::retain(options_.run, 1);
            } catch (const Error& error) {
                context_.log.warn("{}; older checkpoints stay, the newest one counts",
                                  error.what());
            }
        });
    }

    void require_ownership() const {
        if (!context_.may_publish()) {
            throw MismatchError("a later start has taken over " + options_.run.string() +
                                " (this job's files would overwrite newer ones); this job ends "
                                "here");
        }
    }

    void read_data() {
        add_rows(train_, corpus::GlueSplit::Train, options_.max_train_samples);
        add_rows(dev_, corpus::GlueSplit::Dev, 0);
        if (fs::exists(options_.data / "test.tsv")) {
            add_rows(test_, corpus::GlueSplit::Test, 0);
        }
    }

    void add_rows(Split& split, corpus::GlueSplit which, std::int64_t most) const {
        std::vector<corpus::GlueExample> rows = corpus::read_glue(task_, options_.data, which);
        if (most > 0 && static_cast<std::size_t>(most) < rows.size()) {
            rows.resize(static_cast<std::size_t>(most));
        }
        for (const corpus::GlueExample& row : rows) {
            if (task_.is_pair()) {
                split.examples.add(row.first, row.second);
            } else {
                split.examples.add(row.first);
            }
            split.labels.push_back(row.label);
        }
    }

    GlueNumbers evaluate(train::Replica& replica, const FineTuneResult& training) {
        GlueNumbers numbers;
        numbers.recipe = options_.recipe;
        numbers.training = training;
        const Stopwatch watch;
        dev_outputs_ = predict(replica.bert(), context_.ranks, dev_.examples, kEvaluationBatch);
        numbers.eval_seconds = watch.elapsed();
        const std::vector<double> predictions = answers(dev_outputs_, start_.config.labels);
        numbers.scores = glue_scores(task_, {predictions, dev_.labels, train_.labels});
        numbers.eval_loss = mean_loss(dev_outputs_, dev_.labels);
        numbers.eval_samples = dev_.examples.size();
        numbers.train_samples = train_.examples.size();
        numbers.predict_samples = test_.examples.size();
        return numbers;
    }

    /// A job can be put to sleep, and replaced, between any two files.
    void write(train::Replica& replica, const GlueNumbers& numbers,
               const std::vector<double>& test_outputs, const Json& results) const {
        const fs::path& run = options_.run;
        const auto contents =
            tuned_model(replica, numbers.training.progress.done, options_, start_);
        require_ownership();
        checkpoint::write_model_folder(run / GlueFiles::model, contents);
        require_ownership();
        write_text_atomically(run / GlueFiles::dev_predictions,
                              dev_table(task_, dev_outputs_, dev_.labels));
        if (test_.examples.size() > 0) {
            require_ownership();
            write_text_atomically(
                run / ("predict_results_" + task_.name + ".txt"),
                prediction_table(task_, answers(test_outputs, start_.config.labels)));
        }
        require_ownership();
        write_json(run / GlueFiles::eval_results, eval_results(numbers));
        require_ownership();
        write_json(run / GlueFiles::results, results);
        require_ownership();
        // The model stands; what a planned stop has left is of no more use.
        std::error_code ignored;
        fs::remove_all(run / "checkpoints", ignored);
    }

    const GlueOptions& options_;
    const GlueStart& start_;
    const GlueContext& context_;
    const corpus::GlueTask& task_;
    Split train_;
    Split dev_;
    Split test_;
    std::vector<double> dev_outputs_;
    train::TimeLimit limit_;
    std::int64_t generation_ = 1;
};

}  // namespace

GlueOutcome run_glue(const GlueOptions& options, const GlueContext& context) {
    const GlueStart start = open_start(options, context.ranks, context.log);
    std::string found;
    Json settings;
    mpi::on_root(context.ranks, [&] {
        check_options(options, start.config);
        settings = glue_settings(options, start);
        found = finished_results(options.run, settings);
    });
    found = context.ranks.broadcast(found);
    GlueOutcome outcome =
        found.empty() ? FineTuning(options, start, context).run(settings) : finished_before(found);
    if (outcome.stop_reason.empty()) {
        outcome.scores = read_scores(corpus::glue_task(options.task), outcome.results,
                                     (options.run / GlueFiles::results).string());
    }
    return outcome;
}

}  // namespace hpml::tasks
