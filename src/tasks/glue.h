#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/units.h"
#include "comm/engine.h"
#include "model/config.h"
#include "mpi/communicator.h"
#include "optim/optimizer.h"
#include "tasks/glue_scores.h"
#include "tasks/glue_training.h"
#include "text/tokenizer.h"
#include "train/accelerator.h"
#include "train/communication.h"
#include "train/observer.h"
#include "train/stop.h"

namespace hpml::tasks {

/// Everything that decides a fine-tuning run. Plain values; the option table of hpml_finetune binds
/// to them.
struct GlueOptions {
    std::string task = "sst2";
    std::filesystem::path data;  ///< holds train.tsv, dev.tsv and perhaps test.tsv
    std::filesystem::path run;
    /// A pretraining run (its newest checkpoint), a checkpoint, a Hugging Face folder; "random" or
    /// "random:FOLDER" (configuration and vocabulary of that folder, none of its weights).
    std::string init_from;
    bool restart_from_scratch = false;  ///< where checkpoints exist but none is valid
    std::string model;                  ///< "random" only: as named_model() takes it
    std::filesystem::path vocabulary;   ///< "random" only: a tokenizer
    text::CaseChoice letter_case = text::CaseChoice::Auto;  ///< "random" only
    std::int64_t max_sequence_length = 128;
    std::int64_t max_train_samples = 0;  ///< the first rows of train.tsv; 0: all
    FineTuneOptions recipe;
    optim::OptimizerOptions optimizer = {.name = "adamw", .epsilon = 1e-8, .weight_decay = 0.0};
    std::string device = "auto";  ///< auto, cpu, cuda
    train::CommunicationOptions communication;
};

/// What is known of a run right before its first step.
struct GlueReport {
    const model::ModelConfig& model;
    const Json& settings;  ///< of glue_settings(): data and weights by their hashes
    std::int64_t train_rows = 0;
    std::int64_t dev_rows = 0;
    std::int64_t test_rows = 0;
    std::string resume_point;  ///< e.g. "step 12 (step-00000012)"; empty: it begins
};

/// Who runs it and who is told. The references outlive the run.
struct GlueContext {
    const mpi::Communicator& ranks;
    const Log& log;
    train::Observer& observer;  ///< told on rank 0
    const train::StopSignals& signals;
    train::TimeLimit limit = train::TimeLimit(0);      ///< rank 0's counts
    comm::Progress progress = comm::Progress::Inline;  ///< who drives the communication
    train::Accelerator accelerator = {};
    comm::Watchdog* watchdog = nullptr;  ///< told of the steps; null: nobody watches
    /// Called on rank 0 when all input is found good: makes the run directory, which exists, this
    /// start's own and writes nothing else, for it may turn out to be finished; may throw.
    /// @return the generation of this start, for the names of temporary folders
    std::function<std::int64_t()> take_run = [] { return std::int64_t{1}; };
    /// Called on rank 0 when that is done and nothing speaks against writing there; may throw.
    std::function<void()> before_writing = [] {};
    /// Called on rank 0 before the first step; must not throw.
    std::function<void(const GlueReport&)> before_training = [](const GlueReport&) {};
    /// Asked on rank 0 right before a checkpoint or a result is published: false if a later start
    /// owns the run directory.
    std::function<bool()> may_publish = [] { return true; };
};

struct GlueOutcome {
    bool was_finished = false;  ///< nothing was done: the run stood there with the same settings
    std::string stop_reason;    ///< of a planned stop; then there are no results yet
    Step step;                  ///< steps done in all
    Json results;               ///< all_results.json
    std::vector<Score> scores;
};

/// Fine-tune on the task's training rows, evaluate on dev, predict test.tsv where it is present,
/// and write into the run directory: settings.json first, then model/ (a Hugging Face folder),
/// dev_predictions.tsv, predict_results_TASK.txt, eval_results.json, and all_results.json as the
/// last, which says that the run is finished. A finished run with the same settings is read, not
/// repeated. A signal or the time limit leaves a checkpoint in checkpoints/, from which the same
/// settings go on to the same bits; it is removed at the end. Any other unfinished run starts over.
/// Collective; every rank gets the outcome.
/// @throw UsageError, MissingInputError, InputError for what is wrong with options, data, the model
///        or the checkpoint; MismatchError if the run directory holds something else;
///        DivergedError; IoError. The same on every rank
[[nodiscard]] GlueOutcome run_glue(const GlueOptions& options, const GlueContext& context);

}  // namespace hpml::tasks
