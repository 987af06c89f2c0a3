#include "apps/hpml_pretrain_options.h"

#include "apps/console_options.h"
#include "apps/hpml_training_options.h"

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
        .add("resume", run.resume,
             "auto: newest valid checkpoint of --run; never: refuse a run directory that is not "
             "empty; or a checkpoint folder")
        .placeholder("auto|never|PATH")
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
        .add(
            "model", run.model,
            "Encoder: layers x width 2x128, 4x256, 4x512, 8x512, 12x768, 24x1024, or a config.json")
        .choices({"tiny", "mini", "small", "medium", "base", "large"})
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
    table.group("Optimizer")
        .add("optimizer", run.optimizer.name, "Update rule")
        .choices({"lamb", "adafactor", "adamw", "adam"})
        .add("learning-rate", run.schedule.peak, "Learning rate at the end of the warm-up")
        .above(0)
        .add("schedule", run.schedule.name, "Learning rate over the steps")
        .choices({"linear", "constant", "cosine", "polynomial", "inverse_sqrt", "poly_nvidia"})
        .add("warmup", run.schedule.warmup_steps, "Steps of linear warm-up")
        .unit("steps")
        .at_least(0)
        .add("weight-decay", run.optimizer.weight_decay,
             "Decay of weights (not of biases and norms)")
        .at_least(0)
        .add("clip-norm", run.clip_norm, "Largest global gradient norm; 0: no clipping")
        .at_least(0)
        .add("beta1", run.optimizer.beta1, "Decay of the first moment")
        .at_least(0)
        .below(1)
        .add("beta2", run.optimizer.beta2, "Decay of the second moment")
        .at_least(0)
        .below(1)
        .add("epsilon", run.optimizer.epsilon, "Term that keeps the update's denominator from zero")
        .above(0)
        .advanced()
        .add("trust-ratio-min", run.optimizer.trust_ratio_min, "LAMB: least trust ratio")
        .at_least(0)
        .advanced()
        .add("trust-ratio-max", run.optimizer.trust_ratio_max,
             "LAMB: largest trust ratio; 0: no clamp")
        .at_least(0)
        .advanced();
}

void declare_loop(OptionTable& table, PretrainProgramOptions& options) {
    auto& run = options.run;
    OptionGroup group = table.group("Steps");
    group.add("steps", run.steps, "Optimizer steps in all; 0 saves the first weights")
        .at_least(0)
        .add("global-batch", run.global_batch, "Sequences per step over all ranks")
        .at_least(1)
        .add("micro-batch", run.micro_batch,
             "Sequences per forward pass; 0: the largest up to 32 that divides a rank's share")
        .at_least(0)
        .add("validate-every", run.validate_every, "Steps between validations; 0: at the end only")
        .at_least(0)
        .add("checkpoint-every", run.checkpoint_every,
             "Steps between checkpoints; 0: at the end only")
        .at_least(0)
        .add("keep-checkpoints", run.keep_checkpoints, "Newest checkpoints to keep")
        .at_least(1)
        .add("max-failed-checkpoints", run.max_failed_checkpoints,
             "Checkpoints in a row that may fail (full disk) before the run stops")
        .at_least(1)
        .advanced()
        .add_words("little-space", run.little_space,
                   {{"refuse", tasks::LittleSpace::Refuse}, {"warn", tasks::LittleSpace::Warn}},
                   "What to do at the start if the checkpoints to keep will not fit on the disk")
        .advanced()
        .add("checkpoint-retry", run.checkpoint_retry,
             "Time from a save that failed to the next attempt; doubles, to an hour at most")
        .above(0)
        .advanced()
        .add("max-hours", run.max_hours, "Save and stop in time for this limit of the job; 0: none")
        .unit("hours")
        .at_least(0);
    add_console_options(group, options.log_every, options.color);
}

void declare_machine(OptionTable& table, tasks::PretrainOptions& run) {
    OptionGroup group = table.group("Machine");
    group.add("device", run.device, "Where to compute; cuda: one GPU per rank")
        .choices({"auto", "cpu", "cuda"})
        .add("precision", run.precision, "Number format; auto is fp32 for now")
        .choices({"auto", "fp32"})
        .add("threads", run.threads,
             "Compute threads per rank; 0: from the cores the rank is bound to")
        .at_least(0)
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
