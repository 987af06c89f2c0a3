#include "apps/hpml_prepare_convert.h"

#include <algorithm>
#include <filesystem>
#include <string>

#include "apps/options.h"
#include "apps/program.h"
#include "base/error.h"
#include "base/log.h"
#include "base/megabytes.h"
#include "corpus/export_masked.h"
#include "corpus/import_masked.h"

namespace hpml {

namespace {

enum class Target { Shards, AcademicBudget, Nvidia };

struct ConvertOptions {
    std::filesystem::path input;
    std::filesystem::path output;
    Target to = Target::Shards;
    corpus::ImportOptions shards;
    corpus::ExportOptions masked;
};

void declare_conversion(OptionTable& table, ConvertOptions& options) {
    table.group("Conversion")
        .add("input", options.input,
             "Folder of the predecessors' HDF5 files, looked through with all its folders, or one "
             "that hpml_prepare made")
        .placeholder("DIR")
        .required()
        .add("output", options.output, "Folder for what is made")
        .placeholder("DIR")
        .required()
        .add_words("to", options.to,
                   {{"hpml", Target::Shards},
                    {"academic-budget", Target::AcademicBudget},
                    {"nvidia", Target::Nvidia}},
                   "Shards of hpml, or the masked files of academic-budget-bert or of NVIDIA's "
                   "DeepLearningExamples");
}

void declare_to_shards(OptionTable& table, corpus::ImportOptions& options) {
    table.group("To hpml")
        .add("vocab", options.vocabulary,
             "Tokenizer that the files were made with, as of hpml_prepare; default: in --input")
        .placeholder("FILE|DIR")
        .add_words("lower-case", options.letter_case,
                   {{"auto", text::CaseChoice::Auto},
                    {"on", text::CaseChoice::Lower},
                    {"off", text::CaseChoice::Keep}},
                   "Whether it is a vocabulary of lower-case text; noted in the manifest")
        .add_words("duplicates", options.duplicates,
                   {{"drop", corpus::Duplicates::Drop}, {"keep", corpus::Duplicates::Keep}},
                   "What becomes of a row that equals an earlier one once its masks are undone")
        .add("sequences-per-shard", options.sequences_per_shard,
             "Most rows of one shard; a rank holds one shard in memory")
        .range(1, 1 << 26);
}

void declare_to_masked(OptionTable& table, corpus::ExportOptions& options) {
    table.group("To masked files")
        .add("copies", options.copies,
             "How often a training row is written, each time with other masks; no file holds two "
             "copies of a row")
        .alias("dupe-factor")
        .range(1, 1000)
        .add("max-predictions", options.max_predictions, "Most predicted tokens per row")
        .range(1, 65536)
        .add("masking-rate", options.masking_rate, "Share of tokens to predict")
        .above(0)
        .at_most(1)
        .add_flag("whole-word-masking", options.whole_words, "Predict all tokens of a word or none")
        .add("seed", options.seed, "Seed of the masks")
        .add("name", options.name, "NAME of NAME_training_0.hdf5 (nvidia)")
        .add_flag("next-sentence-zeros", options.next_sentence_zeros,
                  "Write next_sentence_labels, all 0: the rows hold no pairs, but NVIDIA's own "
                  "loader asks for them");
}

void declare(OptionTable& table, ConvertOptions& options) {
    declare_conversion(table, options);
    declare_to_shards(table, options.shards);
    declare_to_masked(table, options.masked);
    table.example("hpml_prepare convert --input hdf5 --vocab vocab.txt --output shards",
                  "academic-budget-bert's or NVIDIA's files to shards, masks undone");
    table.example("hpml_prepare convert --input shards --output hdf5 --to academic-budget",
                  "shards to train_shard_0.hdf5 ..., every row masked ten times");
}

void report(const std::filesystem::path& output, const corpus::ImportSummary& summary,
            const Log& log) {
    log.info("{}: {} rows ({} for validation), {} tokens, {} shards", output.string(), summary.rows,
             summary.validation_rows, summary.tokens, summary.shards);
    if (summary.was_complete) {
        log.info("all is there already, made with the same settings; nothing to do");
        return;
    }
    log.info("{} of the {} rows in {} files equal an earlier one and were left out",
             summary.duplicate_rows, summary.stored_rows, summary.files);
    if (summary.has_pairs) {
        log.info("{} rows hold two segments, which are kept with their next-sentence labels",
                 summary.pair_rows);
    } else if (summary.pair_rows > 0) {
        log.warn(
            "{} rows hold two segments, but {} of {} files have next-sentence labels: neither is "
            "kept, such a row is one sequence now",
            summary.pair_rows, summary.next_sentence_files, summary.files);
    }
    log.info("converted in {:.2f} s", summary.elapsed.value);
}

void report(const std::filesystem::path& output, const corpus::ExportSummary& summary,
            const Log& log) {
    log.info("{}: {} rows in {} files", output.string(), summary.rows, summary.files);
    if (summary.was_complete) {
        log.info("all is there already, made with the same settings; nothing to do");
        return;
    }
    if (summary.reused > 0) {
        log.info("{} files were written by an earlier, interrupted run", summary.reused);
    }
    log.info("{:.1f} MB in {:.2f} s", megabytes(summary.size), summary.elapsed.value);
}

void check_name(const std::string& name) {
    const auto is_good = [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || letter == '.' || letter == '-' || letter == '_';
    };
    if (name.empty() || name.front() == '.' || !std::all_of(name.begin(), name.end(), is_good)) {
        throw UsageError("--name '" + name +
                         "' is no name for a file (letters, digits, '.', '-', '_' expected)");
    }
}

int convert(ConvertOptions& options, const mpi::Communicator& world) {
    const Log log(world.rank(), world.is_root());
    if (options.to == Target::Shards) {
        options.shards.input = options.input;
        options.shards.output = options.output;
        report(options.output, corpus::import_masked(options.shards, world, log), log);
        return 0;
    }
    options.masked.input = options.input;
    options.masked.output = options.output;
    options.masked.layout = options.to == Target::Nvidia ? corpus::MaskedLayout::Nvidia
                                                         : corpus::MaskedLayout::AcademicBudget;
    report(options.output, corpus::export_masked(options.masked, world, log), log);
    return 0;
}

}  // namespace

int convert_program(int count, char** arguments) {
    ConvertOptions options;
    OptionTable table("hpml_prepare convert",
                      "Convert between shards and the masked HDF5 files of other programs");
    declare(table, options);
    return run_parallel_program(
        [&] {
            const bool is_run = table.parse(count, arguments) == ParseResult::Run;
            check_name(options.masked.name);
            return is_run;
        },
        [&](const mpi::Communicator& world) { return convert(options, world); });
}

}  // namespace hpml
