#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/units.h"
#include "comm/engine.h"
#include "corpus/batch_ramp.h"
#include "corpus/manifest.h"
#include "model/computation.h"
#include "model/config.h"
#include "mpi/communicator.h"
#include "optim/loss_scaler.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "train/accelerator.h"
#include "train/budget.h"
#include "train/communication.h"
#include "train/observer.h"
#include "train/safety.h"
#include "train/stop.h"

namespace hpml::tasks {

inline constexpr double kSecondsOfHour = 3600;

/// What a start does where the checkpoints to keep will not fit on the disk.
enum class LittleSpace { Refuse, Warn };

/// Everything that decides how a masked-language-model pretraining runs. Plain values; the option
/// table of hpml_pretrain binds to them.
struct PretrainOptions {
    std::filesystem::path data;
    /// Tokenizer of masked files: file or folder; empty: `data`
    std::filesystem::path vocabulary;
    std::filesystem::path run;
    std::string model = "base";  ///< a name or a config.json
    model::EncoderNorm norm = model::EncoderNorm::Post;
    optim::OptimizerOptions optimizer;
    bool zero1 = false;               ///< its state is sharded over the ranks
    optim::ScheduleOptions schedule;  ///< its total_steps is the budget's
    /// In all; unset: as --epochs or --budget-tokens ask for, 1000 without any budget
    std::optional<std::int64_t> wanted_steps;
    double epochs = 0;                ///< passes over the training split; 0: no limit
    std::int64_t budget_tokens = 0;   ///< training tokens; 0: no limit
    train::Budget budget;             ///< its steps are decided by `resolve`
    std::vector<double> milestones;   ///< shares of the budget whose checkpoints are kept
    std::int64_t global_batch = 256;  ///< sequences per optimizer step, over all ranks
    corpus::BatchRamp ramp;           ///< up to global_batch, at the run's beginning
    std::int64_t micro_batch =
        0;                   ///< sequences per forward pass; 0: the largest up to 32 that divides
    double clip_norm = 1.0;  ///< 0: no clipping
    double dropout = 0.1;
    double masking_rate = 0.15;
    std::int64_t max_predictions = 0;  ///< per sequence; 0: no bound
    bool whole_word_masking = false;   ///< all tokens of a word are predicted, or none
    std::uint64_t seed = 42;
    train::Frequency validation;        ///< never: at the end only
    std::int64_t checkpoint_every = 0;  ///< steps; 0: at the end only
    std::int64_t keep_checkpoints = 3;
    std::int64_t keep_every = 0;  ///< steps whose checkpoints are kept for good; 0: none
    bool checkpoint_in_background = true;
    std::int64_t max_failed_checkpoints = 3;  ///< in a row, then the run stops with exit 74
    LittleSpace little_space = LittleSpace::Refuse;
    train::SafetyOptions safety;
    std::int64_t profile_steps = 0;  ///< whose operators are timed on rank 0
    Seconds checkpoint_retry{600};   ///< after a failed save; doubles, to an hour at most
    double max_hours = 0;            ///< of this job; 0: no limit
    std::filesystem::path
        init_from;                ///< a run or checkpoint whose weights step 0 has; empty: drawn
    bool init_moments = false;    ///< and whose optimizer state, but not its step count
    std::string resume = "auto";  ///< auto, never, or a checkpoint folder
    bool restart_from_scratch = false;   ///< where checkpoints exist but none is valid
    std::vector<std::string> overrides;  ///< options that a resume may change: overridable_options
    bool allow_dataset_change = false;   ///< a resume may go on with other rows
    std::string precision = "fp32";      ///< fp32, bf16, fp16, or auto: model::choose_precision
    optim::LossScaleOptions loss_scale;  ///< of fp16
    model::Checkpointing activation_checkpointing = model::Checkpointing::Off;
    std::string device = "auto";  ///< auto, cpu, cuda
    int threads = 0;              ///< per rank; 0: from the affinity masks
    train::CommunicationOptions communication;
    int prefetch = 2;  ///< micro-batches prepared ahead
};

/// Where the tokenizer of the data lies: a folder, or a file of one.
[[nodiscard]] const std::filesystem::path& tokenizer_place(const PretrainOptions& options);

/// What `options.data` holds: shards, or masked files and their tokenizer, which is found to serve.
/// Collective.
/// @throw MissingInputError saying how to make a corpus, also for a tokenizer that is not there;
/// UsageError for `options.vocabulary` beside shards; InputError
[[nodiscard]] corpus::Manifest read_corpus(const PretrainOptions& options,
                                           const mpi::Communicator& ranks);

/// What the run is in and with whom. The references outlive the run.
struct PretrainContext {
    const mpi::Communicator& ranks;
    const Log& log;
    train::Observer& observer;  ///< told on rank 0
    const train::StopSignals& signals;
    train::TimeLimit limit = train::TimeLimit(0);  ///< rank 0's counts
    std::filesystem::path resume_from;  ///< of choose_resume_point; empty: begin at step 0
    Json overrides = Json::array();     ///< likewise: what checkpoints tell of changed settings
    std::int64_t generation = 1;  ///< of the run directory, for the names of temporary folders
    /// Asked on rank 0 right before a checkpoint is published: false if a later start owns the run
    /// directory.
    std::function<bool()> may_publish = [] { return true; };
    /// Asked on rank 0 for the step from which a run goes on: its validation's loss, if it is on
    /// record. A validation comes after the save, and may have been cut off.
    std::function<std::optional<double>(Step)> validated = [](Step) { return std::optional(0.0); };
    comm::Progress progress = comm::Progress::Inline;  ///< who drives the communication
    train::Accelerator accelerator{};
    comm::Watchdog* watchdog = nullptr;  ///< told of the steps; null: nobody watches
};

/// `budget.steps` of a run that ends by other means.
inline constexpr std::int64_t kUnlimitedSteps = std::int64_t{1} << 53;

enum class Verdict { Finished, Interrupted };

struct PretrainOutcome {
    Verdict verdict = Verdict::Finished;
    Step step;                   ///< steps done in all
    double validation_loss = 0;  ///< nats per masked token, of the last validation; 0: none ran
    std::string reason;          ///< "all 1000 steps done", "signal", "time limit ..."
};

/// Check options against each other and the data, before any work. Local.
/// @return the options with every "auto" decided
/// @throw UsageError (batch not divisible, ...), InputError (sequence length beyond the model,
/// vocabulary)
[[nodiscard]] PretrainOptions resolve(PretrainOptions options, const corpus::Manifest& manifest,
                                      int ranks);
/// The model of these options for this corpus: the vocabulary's size and padding id are the
/// corpus's.
/// @throw UsageError for a name that does not go with options.norm
[[nodiscard]] model::ModelConfig model_of(const PretrainOptions& options,
                                          const corpus::Manifest& manifest);

/// For --resume never, on one rank, before anything is written.
/// @throw UsageError if the run directory holds anything
void refuse_used_run(const PretrainOptions& options);
struct ResumePoint {
    std::filesystem::path folder;    ///< of the checkpoint; empty: begin at step 0
    Json overrides = Json::array();  ///< all that its run was made to change, now included
};
/// Where to go on: by --resume, the checkpoint to restore, verified and of these settings. Writes
/// nothing but the new names of corrupt checkpoints; tells which settings change. Collective.
/// @throw MismatchError with a table of the settings that may not change; InputError if no
/// checkpoint is valid; UsageError for a checkpoint older than the run's newest
[[nodiscard]] ResumePoint choose_resume_point(const PretrainOptions& options,
                                              const corpus::Manifest& manifest,
                                              const mpi::Communicator& ranks, const Log& log);

/// Train, validate, save, until all steps are done or somebody wants to stop. Collective; times the
/// steps and saves in the context's limit.
/// @param options  resolved; the data folder holds `manifest`
[[nodiscard]] PretrainOutcome pretrain(const PretrainOptions& options,
                                       const corpus::Manifest& manifest, PretrainContext& context);

}  // namespace hpml::tasks
