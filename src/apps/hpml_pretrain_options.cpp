#include "apps/hpml_pretrain_options.h"

#include "apps/console_options.h"
#include "apps/hpml_training_options.h"
#include "tasks/resume_settings.h"

namespace hpml {

namespace {

void declare_places(OptionTable& table, PretrainProgramOptions& options) {
    auto& run = options.run;
    run.data = "data/prepared";
    run.run = "runs/pretrain_bert";
    table.group("Data and run")
        .add("data", run.data,
             "Folder that hpml_prepare made, or one of the masked HDF5 files of "
             "academic-budget-bert or NVIDIA's DeepLearningExamples, whose masks are then taken as "
             "they are")
        .placeholder("DIR")
        .from_environment("HPML_DATA")
        .add("vocab", run.vocabulary,
             "Tokenizer of masked HDF5 files, as of hpml_prepare; default: in --data")
        .placeholder("FILE|DIR")
        .add("run", run.run, "Run directory; the same command on it goes on where it stopped")
        .placeholder("DIR")
        .from_environment("HPML_RUN")
        .add("init-from", run.init_from,
             "Run, checkpoint or Hugging Face folder whose weights a new run begins with, at step "
             "0; empty: drawn from the seed")
        .placeholder("DIR")
        .add_flag("init-moments", run.init_moments,
                  "And with its optimizer state, as the second phase of a LAMB recipe does")
        .add("resume", run.resume,
             "auto: newest valid checkpoint of --run; never: refuse a run directory that is not "
             "empty; or a checkpoint folder")
        .placeholder("auto|never|PATH")
        .add("override", run.overrides,
             "Options that a resumed run may change though its results then no longer compare, one "
             "each time; its checkpoints tell of it")
        .choices(tasks::overridable_options())
        .placeholder("NAME")
        .advanced()
        .add_flag("allow-dataset-change", run.allow_dataset_change,
                  "Go on with other data than the run began with; its checkpoints tell of it")
        .advanced()
        .add("seed", run.seed, "Seed of weights, order, masking and dropout")
        .add_flag("restart-from-scratch", run.restart_from_scratch,
                  "Start from the beginning if there are checkpoints but none is valid")
        .advanced()
        .add_flag("break-lock", options.break_lock,
                  "Take a run directory over from a job that is surely dead")
        .advanced();
}

void declare_model(OptionTable& table, tasks::PretrainOptions& run) {
    table.group("Model")
        .add("model", run.model,
             "Encoder: layers x width 2x128, 4x256, 4x512, 8x512, 12x768, 24x1024, the last two "
             "also as RoBERTa's, or a config.json")
        .choices(
            {"tiny", "mini", "small", "medium", "base", "large", "roberta-base", "roberta-large"})
        .or_file(".json")
        .add_words("encoder-norm", run.norm,
                   {{"post", model::EncoderNorm::Post}, {"pre", model::EncoderNorm::Pre}},
                   "LayerNorm behind (BERT) or before each sub-layer")
        .add("dropout", run.dropout, "Dropout probability of hidden states and attention")
        .at_least(0)
        .below(1)
        .add("masking-rate", run.masking_rate, "Share of tokens to predict")
        .above(0)
        .at_most(1)
        .add("max-predictions", run.max_predictions,
             "Most predicted tokens per sequence; 0: no bound")
        .at_least(0)
        .add_flag("whole-word-masking", run.whole_word_masking,
                  "Predict all tokens of a word or none");
}

void declare_optimizer(OptionTable& table, tasks::PretrainOptions& run) {
    OptionGroup group = table.group("Optimizer");
    add_optimizer_options(group, run.optimizer);
    add_schedule_options(group, run.schedule);
    group.add("clip-norm", run.clip_norm, "Largest global gradient norm; 0: no clipping")
        .at_least(0)
        .add_flag("zero1", run.zero1,
                  "Share the optimizer state out over the ranks (ZeRO-1): less memory, each rank "
                  "updates its part, the same bits");
}

void add_budget_options(OptionGroup& group, tasks::PretrainOptions& run) {
    group
        .add("steps", run.wanted_steps,
             "Optimizer steps in all; 0 saves the first weights; unset: as the other budgets ask "
             "for, 1000 without any. What comes first ends the run")
        .at_least(0)
        .add("epochs", run.epochs, "Passes over the training split; 0: no limit")
        .at_least(0)
        .add("budget-tokens", run.budget_tokens, "Training tokens in all; 0: no limit")
        .unit("tokens")
        .at_least(0)
        .add_hours("budget-hours", run.budget.time,
                   "Hours of the whole run over all its starts; 0: no limit")
        .add("target-loss", run.budget.target_loss,
             "Validation loss that is enough, in nats per masked token; 0: none")
        .at_least(0)
        .add_hours("early-stop-hours", run.budget.early_stop_time,
                   "Hours of the run from which on --early-stop-loss counts")
        .advanced()
        .add("early-stop-loss", run.budget.early_stop_loss,
             "Validation loss above which a run that does not learn ends; 0: never")
        .at_least(0)
        .advanced();
}

// Sums and products of such numbers stay far from the end of 64 bits.
constexpr double kMostSequences = 0x7fffffff;
constexpr double kMostCheckpoints = 1e9;

void add_batch_options(OptionGroup& group, tasks::PretrainOptions& run) {
    group.add("global-batch", run.global_batch, "Sequences per step over all ranks")
        .range(1, kMostSequences)
        .add("batch-ramp", run.ramp.start,
             "Sequences of the first step, if the batch grows to --global-batch; 0: it does not")
        .range(0, kMostSequences)
        .advanced()
        .add("batch-ramp-increment", run.ramp.increment,
             "Sequences by which it grows; 0: by as many as it begins with")
        .range(0, kMostSequences)
        .advanced()
        .add("batch-ramp-sequences", run.ramp.sequences,
             "Training sequences over which it grows, each size for as many")
        .range(0, kMostSequences)
        .advanced()
        .add("micro-batch", run.micro_batch,
             "Sequences per forward pass; 0: the largest up to 32 that divides a rank's share")
        .range(0, kMostSequences);
}

void add_validation_options(OptionGroup& group, tasks::PretrainOptions& run) {
    group
        .add("validate-every", run.validation.every,
             "Steps between validations; 0: at the end only")
        .at_least(0)
        .add("validate-every-begin", run.validation.every_at_begin,
             "The same while the budget's first part lasts; 0: as elsewhere")
        .at_least(0)
        .advanced()
        .add("validate-every-end", run.validation.every_at_end,
             "The same in the budget's last part; 0: as elsewhere")
        .at_least(0)
        .advanced()
        .add("validation-begin-proportion", run.validation.begin, "The budget's first part")
        .range(0, 1)
        .advanced()
        .add("validation-end-proportion", run.validation.end, "The budget's last part")
        .range(0, 1)
        .advanced();
}

void add_checkpoint_options(OptionGroup& group, tasks::PretrainOptions& run) {
    group
        .add("checkpoint-every", run.checkpoint_every,
             "Steps between checkpoints; 0: at the end only")
        .at_least(0)
        .add("milestones", run.milestones,
             "Shares of the budget after which a checkpoint is saved that always stays, to be "
             "fine-tuned")
        .above(0)
        .below(1)
        .add("keep-checkpoints", run.keep_checkpoints, "Newest checkpoints to keep")
        .range(1, kMostCheckpoints)
        .add("keep-every", run.keep_every,
             "Checkpoints of every so many steps are kept for good; 0: none")
        .unit("steps")
        .at_least(0)
        .add_words("checkpoint-in-background", run.checkpoint_in_background,
                   {{"on", true}, {"off", false}},
                   "Go on training while a checkpoint is written; the bytes are the same")
        .advanced()
        .add("max-failed-checkpoints", run.max_failed_checkpoints,
             "Checkpoints in a row that may fail (full disk) before the run stops")
        .at_least(1)
        .advanced()
        .add("checkpoint-retry", run.checkpoint_retry,
             "Time from a save that failed to the next attempt; doubles, to an hour at most")
        .above(0)
        .advanced()
        .add_words("little-space", run.little_space,
                   {{"refuse", tasks::LittleSpace::Refuse}, {"warn", tasks::LittleSpace::Warn}},
                   "What to do at the start if the checkpoints to keep will not fit on the disk")
        .advanced();
}

void add_safety_options(OptionGroup& group, tasks::PretrainOptions& run) {
    group
        .add_words(
            "on-non-finite", run.safety.on_non_finite,
            {{"stop", train::NonFinitePolicy::Stop},
             {"skip", train::NonFinitePolicy::Skip},
             {"rollback", train::NonFinitePolicy::RollBack}},
            "What to do about a loss or gradient that is not finite: end with exit 77; leave "
            "the update out; go back to the newest checkpoint and on with later data")
        .add("max-skipped", run.safety.max_skipped,
             "Updates in a row that may be left out before the run ends")
        .at_least(0)
        .advanced()
        .add("max-rollbacks", run.safety.max_rollbacks,
             "Times that one start may go back before it ends")
        .at_least(0)
        .advanced()
        .add("check-replicas-every", run.safety.check_replicas_every,
             "Steps between comparisons of the ranks' parameters; 0: never")
        .at_least(0)
        .advanced();
}

void declare_loop(OptionTable& table, PretrainProgramOptions& options) {
    auto& run = options.run;
    OptionGroup group = table.group("Steps");
    add_budget_options(group, run);
    add_batch_options(group, run);
    add_validation_options(group, run);
    add_checkpoint_options(group, run);
    add_safety_options(group, run);
    group
        .add("max-hours", run.max_hours, "Save and stop in time for this limit of the job; 0: none")
        .unit("hours")
        .range(0, kMostHours);
    add_stop_signals_option(group, options.stop_signals);
    add_console_options(group, options.log_every, options.color);
}

void declare_machine(OptionTable& table, tasks::PretrainOptions& run) {
    OptionGroup group = table.group("Machine");
    group.add("device", run.device, "Where to compute; cuda: one GPU per rank")
        .choices({"auto", "cpu", "cuda"})
        .add("precision", run.precision,
             "Format of the factors of matrix products; weights, sums and all else are fp32. auto: "
             "bf16 on a CPU that multiplies it itself, else fp32; fp16 has a dynamic loss scale")
        .choices({"auto", "fp32", "bf16", "fp16"})
        .add("loss-scale-init", run.loss_scale.initial,
             "fp16: loss scale of the first step; a resumed run has its checkpoint's")
        .above(0)
        .at_most(run.loss_scale.ceiling)
        .advanced()
        .add("loss-scale-window", run.loss_scale.growth_interval,
             "fp16: steps in a row without overflow after which the loss scale doubles")
        .unit("steps")
        .at_least(1)
        .advanced()
        .add("loss-scale-hysteresis", run.loss_scale.hysteresis,
             "fp16: steps with an overflow, each left out, until the loss scale is halved; after "
             "it was, each halves it until it has doubled again")
        .unit("steps")
        .at_least(1)
        .advanced()
        .add("loss-scale-min", run.loss_scale.floor,
             "fp16: least loss scale; --loss-scale-hysteresis overflows in a row there end the run "
             "with exit 77")
        .above(0)
        .at_most(run.loss_scale.ceiling)
        .advanced()
        .add_words("activation-checkpointing", run.activation_checkpointing,
                   {{"off", model::Checkpointing::Off},
                    {"selective", model::Checkpointing::Selective},
                    {"full", model::Checkpointing::Full}},
                   "What is computed again in the backward pass to save memory, with the same "
                   "bits; selective: the wide feed-forward rows (40 % less for 11 % more work); "
                   "full: all but the layers' inputs (90 % less for a third more)")
        .add("threads", run.threads,
             "Compute threads per rank; 0: from the cores the rank is bound to")
        .at_least(0)
        .add("profile", run.profile_steps,
             "Steps of this start whose operators rank 0 times, for a table in the log; 0: none")
        .unit("steps")
        .at_least(0)
        .advanced()
        .add("prefetch", run.prefetch, "Micro-batches read ahead by a thread; 0: none")
        .range(0, 64)
        .advanced();
    add_communication_options(group, run.communication);
}

}  // namespace

void declare_pretrain_options(OptionTable& table, PretrainProgramOptions& options) {
    declare_places(table, options);
    declare_model(table, options.run);
    declare_optimizer(table, options.run);
    declare_loop(table, options);
    declare_machine(table, options.run);
}

}  // namespace hpml
