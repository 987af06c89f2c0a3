#include "tasks/glue.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "corpus/glue.h"
#include "mpi/communicator.h"
#include "tasks/glue_results.h"
#include "tasks/glue_settings.h"
#include "tasks/glue_start.h"

namespace hpml::tasks {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kEvaluationBatch = 64;

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
}

train::ReplicaOptions replica_options(const GlueOptions& options, const GlueStart& start,
                                      const GlueContext& context) {
    return {.model = start.config,
            .head = model::Head::Classification,
            .optimizer = options.optimizer,
            .all_reduce = options.all_reduce,
            .bucket_size = mib(options.bucket_mib),
            .progress = context.progress,
            .accelerator = context.accelerator,
            .seed = options.recipe.seed};
}

/// One fine-tuning run that is not finished yet.
class FineTuning {
  public:
    FineTuning(const GlueOptions& options, const GlueStart& start, const GlueContext& context)
        : options_(options),
          start_(start),
          context_(context),
          task_(corpus::glue_task(options.task)),
          tokenizer_(start.vocabulary, start.letter_case),
          train_(empty_split()),
          dev_(empty_split()),
          test_(empty_split()) {
        mpi::agree(context.ranks, [&] { read_data(); });
        context.log.info(
            "{}: {} training, {} dev, {} test rows; {} rows cut to {} tokens", task_.title,
            train_.examples.size(), dev_.examples.size(), test_.examples.size(),
            train_.examples.truncated() + dev_.examples.truncated(), options.max_sequence_length);
    }

    /// @return all results; null if a signal stopped it
    Json run(const Json& settings) {
        train::Replica replica(replica_options(options_, start_, context_), context_.ranks,
                               context_.log);
        load_start(start_, replica, context_);
        mpi::on_root(context_.ranks, [&] {
            make_folders(options_.run);
            context_.before_writing();
            fs::remove(options_.run / GlueFiles::results);
            write_json(options_.run / GlueFiles::settings, settings);
        });
        const FineTuneResult training =
            fine_tune({replica, context_.ranks, context_.observer},
                      {train_.examples, train_.labels}, options_.recipe);
        if (training.stopped) {
            return nullptr;
        }
        const GlueNumbers numbers = evaluate(replica, training);
        const std::vector<double> test_outputs =
            predict(replica.bert(), context_.ranks, test_.examples, kEvaluationBatch);
        const Json results = all_results(numbers);
        mpi::on_root(context_.ranks, [&] { write(replica, numbers, test_outputs, results); });
        return results;
    }

  private:
    [[nodiscard]] Split empty_split() const {
        return {EncodedExamples(tokenizer_, options_.max_sequence_length), {}};
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

    void write(train::Replica& replica, const GlueNumbers& numbers,
               const std::vector<double>& test_outputs, const Json& results) const {
        const fs::path& run = options_.run;
        checkpoint::write_model_folder(run / GlueFiles::model, model_folder(replica, numbers));
        write_text_atomically(run / GlueFiles::dev_predictions,
                              dev_table(task_, dev_outputs_, dev_.labels));
        if (test_.examples.size() > 0) {
            write_text_atomically(
                run / ("predict_results_" + task_.name + ".txt"),
                prediction_table(task_, answers(test_outputs, start_.config.labels)));
        }
        write_json(run / GlueFiles::eval_results, eval_results(numbers));
        write_json(run / GlueFiles::results, results);
    }

    [[nodiscard]] checkpoint::Contents model_folder(train::Replica& replica,
                                                    const GlueNumbers& numbers) const {
        checkpoint::Contents contents;
        contents.step = numbers.training.steps;
        for (const auto& [name, tensor] : replica.named_parameters()) {
            contents.model.push_back({name, tensor});
        }
        contents.config = model::config_to_json(start_.config, model::Head::Classification,
                                                options_.recipe.dropout);
        contents.config["finetuning_task"] = task_.name;
        contents.state = {{"format_version", 1},
                          {"step", numbers.training.steps.value},
                          {"settings", glue_settings(options_, start_)}};
        contents.tokenizer_config = {
            {"tokenizer_class", "BertTokenizer"},
            {"do_lower_case", start_.letter_case == text::LetterCase::Lower},
            {"model_max_length", start_.config.max_positions}};
        contents.vocabulary = start_.vocabulary.text();
        return contents;
    }

    const GlueOptions& options_;
    const GlueStart& start_;
    const GlueContext& context_;
    const corpus::GlueTask& task_;
    text::WordPiece tokenizer_;
    Split train_;
    Split dev_;
    Split test_;
    std::vector<double> dev_outputs_;
};

}  // namespace

GlueOutcome run_glue(const GlueOptions& options, const GlueContext& context) {
    const GlueStart start = open_start(options, context.ranks, context.log);
    GlueOutcome outcome;
    std::string found;
    Json settings;
    mpi::on_root(context.ranks, [&] {
        check_options(options, start.config);
        settings = glue_settings(options, start);
        if (is_finished(options.run, settings)) {
            found = read_json(options.run / GlueFiles::results).dump();
        }
    });
    found = context.ranks.broadcast(found);
    outcome.was_finished = !found.empty();
    outcome.results = outcome.was_finished ? parse_json(found, "all_results.json")
                                           : FineTuning(options, start, context).run(settings);
    if (outcome.results.is_null()) {
        outcome.stopped = true;
        return outcome;
    }
    outcome.scores = read_scores(corpus::glue_task(options.task), outcome.results,
                                 (options.run / GlueFiles::results).string());
    return outcome;
}

}  // namespace hpml::tasks
