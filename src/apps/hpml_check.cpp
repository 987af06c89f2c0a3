// hpml_check: look at options, corpus and memory before a job is submitted. Starts no MPI, needs no
// GPU.

#include <fmt/format.h>
#include <torch/version.h>

#include <cstdio>
#include <span>
#include <string_view>

#include "apps/default_recipe.h"
#include "apps/hpml_check_shards.h"
#include "apps/hpml_pretrain_options.h"
#include "apps/program.h"
#include "base/file.h"
#include "base/megabytes.h"
#include "base/philox.h"
#include "base/process_memory.h"
#include "base/version.h"
#include "corpus/data_folder.h"
#include "corpus/examine.h"
#include "corpus/masked_folder.h"
#include "corpus/shard.h"
#include "tasks/memory_estimate.h"
#include "tasks/space_estimate.h"

namespace {

using namespace hpml;

struct CheckOptions {
    PretrainProgramOptions pretrain;
    int ranks = 1;
    int ranks_per_node = 1;
    bool self = false;
};

/// Verify that this installation is whole: the libraries load, a hash and a random number are
/// right.
int check_self() {
    expects(philox({0, 0}, {0, 0, 0, 0})[0] == 0x6627e8d5, "Philox to give its known answer");
    expects(hash_text("").hex() == "99aa06d3014798d86001c324468d497f",
            "XXH3-128 to give its known answer");
    fmt::print("hpml {}: libraries load, self check passed\n", build_info().version);
    return 0;
}

/// Every shard is opened: presence, size, hash, schema, then every row's ids. Of masked files every
/// row is read.
void verify_corpus(const std::filesystem::path& data, const corpus::Manifest& manifest,
                   const text::Tokenizer& tokenizer) {
    if (manifest.kind == corpus::CorpusKind::MaskedRows) {
        corpus::check_masked_rows(data, manifest, tokenizer);
        return;
    }
    corpus::check_shards_present(data, manifest);
    for (const auto split : {corpus::Split::Train, corpus::Split::Validation}) {
        (void)corpus::examine_split(data, manifest, split, tokenizer.special());
    }
}

void print_corpus(const std::filesystem::path& data, const corpus::Manifest& manifest) {
    fmt::print("corpus {}\n", data.string());
    if (manifest.kind == corpus::CorpusKind::MaskedRows) {
        fmt::print("  {:<34} {:>14}\n", "rows, masked as they are stored", manifest.train_rows());
        fmt::print("  {:<34} {:>14}\n", "validation rows", manifest.validation_rows());
        fmt::print("  {:<34} {:>14}\n", "length of a row, tokens", manifest.sequence_length);
        fmt::print("  {:<34} {:>14}\n", "files, all rows checked",
                   manifest.train.size() + manifest.validation.size());
        return;
    }
    fmt::print("  {:<34} {:>14}\n", "documents (validation)",
               fmt::format("{} ({})", manifest.documents, manifest.validation_documents));
    fmt::print("  {:<34} {:>14}\n", "training rows", manifest.train_rows());
    fmt::print("  {:<34} {:>14}\n", "training tokens", manifest.train_tokens);
    fmt::print("  {:<34} {:>14}\n", "longest row, tokens", manifest.sequence_length);
    fmt::print("  {:<34} {:>14.3f}\n", "unigram entropy, nats", manifest.unigram_entropy_nats);
    fmt::print("  {:<34} {:>14}\n", "shards, all verified",
               manifest.train.size() + manifest.validation.size());
}

void print_run(const tasks::PretrainOptions& options, const corpus::Manifest& manifest, int ranks) {
    const auto config = tasks::model_of(options, manifest);
    const double steps_per_epoch =
        static_cast<double>(manifest.train_rows()) / static_cast<double>(options.global_batch);
    fmt::print("run\n");
    fmt::print("  {:<34} {:>14}\n", "model",
               fmt::format("{} x {}", config.layers, config.hidden_size));
    fmt::print("  {:<34} {:>14}\n", "parameters",
               model::parameter_count(config, model::Head::MaskedLm));
    fmt::print("  {:<34} {:>14}\n", "sequences per step", options.global_batch);
    if (const auto count = options.global_batch / options.micro_batch; count % ranks == 0) {
        fmt::print("  {:<34} {:>14}\n", "ranks x accumulation x micro-batch",
                   fmt::format("{} x {} x {}", ranks, count / ranks, options.micro_batch));
    } else {  // elastic sums
        fmt::print("  {:<34} {:>14}\n",
                   fmt::format("micro-batches of {} over {} ranks", options.micro_batch, ranks),
                   count);
    }
    const train::Budget& budget = options.budget;
    if (budget.time > Seconds(0)) {
        fmt::print("  {:<34} {:>14g}\n", "hours", budget.time.value / 3600);
    }
    if (budget.steps == tasks::kUnlimitedSteps) {
        fmt::print("  {:<34} {:>14}\n", "steps", "no limit");
        return;
    }
    fmt::print("  {:<34} {:>14}\n", "steps", budget.steps);
    fmt::print("  {:<34} {:>14.2f}\n", "epochs",
               static_cast<double>(budget.steps) / steps_per_epoch);
}

void print_memory(const CheckOptions& check, const tasks::PretrainOptions& options,
                  const corpus::Manifest& manifest) {
    const auto config = tasks::model_of(options, manifest);
    const auto estimate =
        tasks::estimate_memory(options, config, tasks::row_lengths(manifest),
                               {.all = check.ranks, .of_node = check.ranks_per_node});
    fmt::print("memory of one rank, estimated (MB)\n");
    for (const auto& [name, bytes] : estimate.parts) {
        fmt::print("  {:<38} {:>10.1f}\n", name, megabytes(bytes));
    }
    fmt::print("  {:<38} {:>10.1f}\n", "all", megabytes(estimate.total()));
    fmt::print("  {:<38} {:>10.1f}\n", "more while a slow disk takes a save",
               megabytes(estimate.most_while_saving));
    const Bytes available = headroom(memory_report());
    const double node = megabytes(estimate.total()) * check.ranks_per_node;
    fmt::print("  {:<38} {:>10.1f}\n", fmt::format("{} ranks of a node", check.ranks_per_node),
               node);
    fmt::print("  {:<38} {:>10.1f}\n", "available on this machine", megabytes(available));
    if (node > megabytes(available)) {
        fmt::print(
            "warning: more than this machine has; lower --micro-batch or the ranks per node\n");
    }
    const auto space = tasks::estimate_space(options, config);
    fmt::print("disk: {:.1f} MB a checkpoint, {:.1f} MB for {}\n",
               megabytes(tasks::estimate_checkpoint(options, config)), megabytes(space.needed),
               space.counted());
    if (space.fits()) {
        return;
    }
    if (options.little_space == tasks::LittleSpace::Refuse) {
        throw OutputError(space.explain());
    }
    fmt::print("warning: {}\n", space.explain());
}

int check(const CheckOptions& options) {
    if (options.self) {
        return check_self();
    }
    const auto& data = options.pretrain.run.data;
    const auto manifest = tasks::read_corpus(options.pretrain.run, mpi::Communicator());
    const auto tokenizer =
        corpus::read_tokenizer(tasks::tokenizer_place(options.pretrain.run), manifest);
    const auto resolved = tasks::resolve(options.pretrain.run, manifest, options.ranks);
    verify_corpus(data, manifest, *tokenizer);
    print_corpus(data, manifest);
    print_run(resolved, manifest, options.ranks);
    print_memory(options, resolved, manifest);
    fmt::print("all checks passed\n");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CheckOptions options;
    return run_program([&] {
        if (argc > 1 && std::string_view(argv[1]) == "shards") {
            return check_shards(argc - 1, argv + 1);
        }
        OptionTable table(
            "hpml_check",
            "Check options, corpus and memory of a pretraining before it is submitted");
        table.group("Check")
            .add("ranks", options.ranks, "Ranks that the job will have")
            .at_least(1)
            .add("ranks-per-node", options.ranks_per_node, "Ranks that share a node's memory")
            .at_least(1)
            .add_flag("self", options.self,
                      "Check this installation only: libraries, hashes, random numbers");
        declare_pretrain_options(table, options.pretrain);
        table.library(std::string("LibTorch ") + TORCH_VERSION);
        table.example("hpml_check --config jobs/pretrain_bert_base.cfg --data DIR --ranks 16",
                      "what hpml_pretrain with these options will do and need");
        table.example("hpml_check shards DIR", "verify a prepared corpus and show what is in it");
        use_default_recipe(table, std::span(argv, static_cast<std::size_t>(argc)));
        return table.parse(argc, argv) == ParseResult::Exit ? 0 : check(options);
    });
}
