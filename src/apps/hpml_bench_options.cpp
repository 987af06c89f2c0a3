#include "apps/hpml_bench_options.h"

#include "apps/hpml_training_options.h"

namespace hpml {

namespace {

// Products of such numbers and of ranks stay far from the end of 64 bits.
constexpr double kMost = 1e6;
constexpr double kMostSteps = 1e9;
constexpr double kMostSequences = 1e12;

void declare_simulation(OptionTable& table, BenchOptions& options) {
    table.group("Simulation")
        .add("cluster", options.cluster,
             "The cluster: jobs/clusters/*.json, or what calibrate wrote")
        .placeholder("FILE")
        .add("ranks", options.simulated_ranks, "Ranks that the cluster has")
        .range(1, 1000000)
        .add("compute-seconds", options.compute_seconds,
             "Forward and backward pass of a micro-batch; default: by the cluster's file")
        .unit("s")
        .above(0)
        .add("global-batch", options.global_batch,
             "Sequences that strong scaling shares out; 0: what all ranks take in a step")
        .range(0, kMostSequences);
}

void declare_tokenizer(OptionTable& table, BenchOptions& options) {
    table.group("Tokenizer")
        .add("vocab", options.vocabulary, "Tokenizer's folder or file, as of hpml_prepare")
        .placeholder("FILE|DIR")
        .add("text", options.text, "Files to encode, as hpml_prepare reads them")
        .placeholder("FILE")
        .add("passes", options.passes, "Times that all is encoded; the median counts")
        .at_least(1);
}

void declare_what(OptionTable& table, BenchOptions& options) {
    table.group("Benchmark")
        .add_positional("what", options.what, "What to measure, to predict or to read")
        .choices({"allreduce", "step", "overlap", "loader", "engine", "calibrate", "simulate",
                  "tokenizer", "optimizer", "trace-summary", "checkpoint"})
        .required()
        .add_positional("timeline", options.timeline, "What --trace wrote (trace-summary)")
        .placeholder("FILE")
        .add("json", options.json, "Also write the result there")
        .placeholder("FILE");
}

void declare_all_reduce(OptionTable& table, BenchOptions& options) {
    table.group("All-reduce")
        .add("algorithm", options.algorithms,
             "One of those of --allreduce, instead of all; several: one option each")
        .add("compare", options.compare,
             "Beside MPI_Allreduce, the same with malloc tuned, and with packing and unpacking")
        .choices({"mpi", "none"})
        .add_flag("elastic", options.elastic,
                  "Also sums whose bits do not depend on the number of ranks")
        .add("smallest", options.smallest, "Smallest buffer")
        .unit("bytes")
        .at_least(4)
        .add("largest-mib", options.largest_mib, "Largest buffer")
        .unit("MiB")
        .above(0)
        .at_most(kMost)
        .add("growth", options.growth, "Factor from one size to the next")
        .range(2, kMost)
        .add("time-per-size", options.time_per_size, "Time for all ways at one size")
        .above(0);
}

void add_model_options(OptionGroup& group, BenchOptions& options) {
    group.add("data", options.data, "Folder that hpml_prepare made (loader)")
        .placeholder("DIR")
        .from_environment("HPML_DATA")
        .add("model", options.model, "Encoder (step, optimizer, checkpoint, simulate)")
        .choices({"tiny", "mini", "small", "medium", "base", "large"})
        .or_file(".json")
        .add("optimizer", options.step.optimizer, "Update rule (step)")
        .choices({"lamb", "adafactor", "adamw", "adam", "sgd", "muon"})
        .add("micro-batch", options.step.micro_batch, "Sequences per forward pass")
        .range(1, kMost)
        .add("accumulation", options.step.accumulation, "Micro-batches per step and rank")
        .range(1, kMost)
        .add("sequence-length", options.step.sequence_length, "Tokens per row (step, simulate)")
        .range(2, kMost)
        .add("dropout", options.step.dropout, "Dropout probability (step)")
        .at_least(0)
        .below(1)
        .add("precision", options.precision, "Format of the factors of products (step)")
        .choices({"auto", "fp32", "bf16", "fp16"})
        .add_words("activation-checkpointing", options.step.computation.checkpointing,
                   {{"off", model::Checkpointing::Off},
                    {"selective", model::Checkpointing::Selective},
                    {"full", model::Checkpointing::Full}},
                   "What is computed again in the backward pass (step)");
}

void add_data_options(OptionGroup& group, BenchOptions& options) {
    group
        .add("rows", options.rows,
             "Folder that hpml_prepare made: rows of it, masked, as long as "
             "they are; default: full rows of random tokens (step)")
        .placeholder("DIR")
        .add("exchange", options.exchange,
             "Folder for the first weights and all batches, for another program to do the same "
             "(step)")
        .placeholder("DIR")
        .advanced();
}

void add_length_options(OptionGroup& group, BenchOptions& options) {
    group.add("warmup-steps", options.step.warmup_steps, "Steps before the timed ones (step)")
        .range(0, kMostSteps)
        .advanced()
        .add("steps", options.step.steps,
             "Timed steps, rounds of them (optimizer), or those of a block with one save or none "
             "(checkpoint)")
        .range(1, kMostSteps)
        .add("micro-batches", options.micro_batches, "Micro-batches to read (loader)")
        .at_least(1)
        .add("rounds", options.rounds, "Blocks with a save, and without (checkpoint)")
        .at_least(1)
        .add("folder", options.folder,
             "Folder below which checkpoints are written, and removed (checkpoint)")
        .placeholder("DIR")
        .add_flag("only-beside", options.only_beside,
                  "Only saves beside steps, for a look at the memory (checkpoint)")
        .advanced();
}

void add_machine_options(OptionGroup& group, BenchOptions& options) {
    group.add("device", options.device, "Where to compute (step)")
        .choices({"auto", "cpu", "cuda"})
        .add("threads", options.threads,
             "Compute threads per rank; 0: from the cores the rank is bound to")
        .at_least(0);
    add_communication_options(group, options.step.communication);
}

}  // namespace

void declare_bench_options(OptionTable& table, BenchOptions& options) {
    declare_what(table, options);
    declare_all_reduce(table, options);
    OptionGroup group = table.group("Step and loader");
    add_model_options(group, options);
    add_data_options(group, options);
    add_length_options(group, options);
    add_machine_options(group, options);
    declare_simulation(table, options);
    declare_tokenizer(table, options);
}

}  // namespace hpml
