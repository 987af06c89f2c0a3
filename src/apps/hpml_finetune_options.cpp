#include "apps/hpml_finetune_options.h"

#include "apps/console_options.h"
#include "apps/hpml_training_options.h"
#include "corpus/glue.h"

namespace hpml {
namespace {

// Products of such numbers and of rows stay far from the end of 64 bits.
constexpr double kMostEpochs = 1e6;
constexpr double kMostSequences = 0x7fffffff;

void declare_task(OptionTable& table, FinetuneProgramOptions& options) {
    tasks::GlueOptions& run = options.run;
    OptionGroup group = table.group("Task and run");
    group.add("task", run.task, "Task of the GLUE benchmark whose form the data has")
        .choices(corpus::glue_task_names())
        .required()
        .add("data", run.data, "Folder with train.tsv, dev.tsv and, for predictions, test.tsv")
        .placeholder("DIR")
        .required()
        .add("init-from", run.init_from,
             "Pretraining run (its newest checkpoint), checkpoint or Hugging Face folder; random "
             "(with --model and --vocab); random:FOLDER (its configuration and vocabulary only)")
        .placeholder("FOLDER|random|random:FOLDER")
        .required()
        .add("run", run.run,
             "Run directory. A finished run with the same settings is shown, not repeated; one "
             "that was stopped by a signal or its time limit goes on")
        .placeholder("DIR")
        .required()
        .add("seed", run.recipe.seed, "Seed of new weights, order and dropout")
        .add("max-hours", options.max_hours,
             "Save and stop in time for this limit of the job; 0: none")
        .unit("hours")
        .range(0, kMostHours)
        .add_flag("restart-from-scratch", run.restart_from_scratch,
                  "Start from the beginning if there are checkpoints but none is valid")
        .advanced()
        .add_flag("break-lock", options.break_lock,
                  "Take a run directory over from a job that is surely dead")
        .advanced();
    add_stop_signals_option(group, options.stop_signals);
}

void declare_recipe(OptionTable& table, tasks::GlueOptions& run) {
    tasks::FineTuneOptions& recipe = run.recipe;
    table.group("Recipe")
        .add("epochs", recipe.epochs, "Passes over the training rows; 0: evaluate only")
        .range(0, kMostEpochs)
        .add("learning-rate", recipe.learning_rate, "Peak; decays linearly to 0")
        .above(0)
        .add("batch", recipe.batch, "Sequences of one step over all ranks")
        .range(1, kMostSequences)
        .add("max-sequence-length", run.max_sequence_length,
             "Longest row with special tokens; the longer sentence of a pair is cut first")
        .range(5, 65536)
        .unit("tokens")
        .add("max-train-samples", run.max_train_samples, "First rows of train.tsv to use; 0: all")
        .at_least(0)
        .add("warmup", recipe.warmup_steps, "Steps of linear warm-up")
        .unit("steps")
        .at_least(0)
        .add("dropout", recipe.dropout,
             "Dropout probability of hidden states, attention and classifier")
        .at_least(0)
        .below(1)
        .add("clip-norm", recipe.clip_norm, "Largest global gradient norm; 0: no clipping")
        .at_least(0)
        .add("weight-decay", run.optimizer.weight_decay, "AdamW's decay (not of biases and norms)")
        .at_least(0)
        .add("beta1", run.optimizer.beta1, "Decay of the first moment")
        .at_least(0)
        .below(1)
        .advanced()
        .add("beta2", run.optimizer.beta2, "Decay of the second moment")
        .at_least(0)
        .below(1)
        .advanced()
        .add("epsilon", run.optimizer.epsilon, "Term that keeps the update's denominator from zero")
        .above(0)
        .advanced();
}

void declare_random_start(OptionTable& table, tasks::GlueOptions& run) {
    table.group("With --init-from random")
        .add("model", run.model, "Encoder: a size, also as RoBERTa's, or a config.json")
        .choices(
            {"tiny", "mini", "small", "medium", "base", "large", "roberta-base", "roberta-large"})
        .or_file(".json")
        .add("vocab", run.vocabulary, "Tokenizer's folder or file, as of hpml_prepare")
        .placeholder("FILE|DIR")
        .add_words("lower-case", run.letter_case,
                   {{"auto", text::CaseChoice::Auto},
                    {"on", text::CaseChoice::Lower},
                    {"off", text::CaseChoice::Keep}},
                   "Lower-case and strip accents (WordPiece); auto: as of hpml_prepare");
}

void declare_machine(OptionTable& table, FinetuneProgramOptions& options) {
    tasks::GlueOptions& run = options.run;
    OptionGroup group = table.group("Machine");
    group.add("device", run.device, "Where to compute; cuda: one GPU per rank")
        .choices({"auto", "cpu", "cuda"})
        .add("micro-batch", run.recipe.micro_batch,
             "Most sequences of one forward pass on a rank; decides memory, not results")
        .range(1, kMostSequences)
        .add("threads", options.threads,
             "Compute threads per rank; 0: from the cores the rank is bound to")
        .at_least(0);
    add_communication_options(group, run.communication);
    add_console_options(group, options.log_every, options.color);
}

}  // namespace

void declare_finetune_options(OptionTable& table, FinetuneProgramOptions& options) {
    declare_task(table, options);
    declare_recipe(table, options.run);
    declare_random_start(table, options.run);
    declare_machine(table, options);
    table.example(
        "mpirun -np 2 hpml_finetune --task sst2 --data data/sample/task --init-from "
        "runs/pretrain_bert --run runs/sst2",
        "from the newest checkpoint of a pretraining run");
    table.example(
        "hpml_finetune --task mrpc --data glue/MRPC --init-from bert-base-uncased --run runs/mrpc",
        "from a folder in Hugging Face's form");
}

}  // namespace hpml
