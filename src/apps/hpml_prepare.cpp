#include <fmt/format.h>

#include <string_view>

#include "apps/hpml_prepare_convert.h"
#include "apps/hpml_prepare_input.h"
#include "apps/hpml_prepare_vocabulary.h"
#include "apps/options.h"
#include "apps/program.h"
#include "base/log.h"
#include "base/megabytes.h"
#include "corpus/prepare.h"

namespace {

using hpml::corpus::CorpusSummary;
using hpml::corpus::DuplicateDocuments;
using hpml::corpus::Pack;
using hpml::corpus::PrepareOptions;
using hpml::corpus::PrepareSummary;

void declare_source(hpml::OptionTable& table, PrepareOptions& options) {
    using hpml::text::CaseChoice;
    hpml::OptionGroup input = table.group("Input");
    hpml::declare_input(input, options.inputs, options.documents);
    input
        .add("vocab", options.vocabulary,
             "Tokenizer: a folder with, or itself, vocab.txt (WordPiece), vocab.json and "
             "merges.txt (byte-level BPE), or a tokenizer.json of these kinds")
        .placeholder("FILE|DIR")
        .required()
        .add("part-size", options.part_kibibytes,
             "How much of a large file, as it lies on disk, a rank takes at once; 0 chooses by the "
             "kind of file; the output does not depend on it")
        .range(0, 1 << 30)
        .unit("KiB")
        .add_words(
            "lower-case", options.letter_case,
            {{"auto", CaseChoice::Auto}, {"on", CaseChoice::Lower}, {"off", CaseChoice::Keep}},
            "Lower-case and strip accents (WordPiece); auto: as tokenizer.json or "
            "tokenizer_config.json says, on without them");
}

/// How rows are cut and stored.
void add_row_options(hpml::OptionGroup& group, PrepareOptions& options) {
    group.add("output", options.output, "Folder for shards, vocabulary and manifest.json")
        .placeholder("DIR")
        .required()
        .add("sequence-length", options.sequence_lengths,
             "Longest row, [CLS] and [SEP] included; of several lengths each gives a corpus, "
             "OUTPUT/128 and OUTPUT/512, from text that is tokenized once")
        .range(3, 65536)
        .unit("tokens")
        .add_words(
            "pack", options.pack,
            {{"documents", Pack::Documents},
             {"sentences", Pack::Sentences},
             {"full", Pack::Full},
             {"pairs", Pack::Pairs}},
            "What a row holds: tokens of one document, cut where the row is full; whole "
            "sentences of one document; whole sentences of consecutive documents, [SEP] "
            "between documents; two parts of a document, or of two, for next-sentence prediction")
        .add("short-sequences", options.short_sequences,
             "Share of the rows that end early, at any length from 2 tokens")
        .alias("short-seq-prob")
        .range(0, 1)
        .add("sequences-per-shard", options.sequences_per_shard,
             "Most rows of one shard; a rank holds one shard in memory")
        .range(1, 1 << 26);
}

/// Which documents are taken, in which order.
void add_document_options(hpml::OptionGroup& group, PrepareOptions& options) {
    group
        .add("validation-fraction", options.validation_fraction,
             "Fraction of the documents for validation; at least one document")
        .at_least(0)
        .below(1)
        .add("seed", options.seed,
             "Chooses the validation documents, the order of --shuffle and the short rows")
        .add_flag(
            "shuffle", options.shuffle,
            "Put the documents in random order before they are cut into rows, the same for every "
            "order of the input")
        .add_words(
            "duplicates", options.duplicates,
            {{"keep", DuplicateDocuments::Keep},
             {"exact", DuplicateDocuments::Exact},
             {"near", DuplicateDocuments::Near}},
            "Documents that are like an earlier one: keep them, leave out those of the same text, "
            "or those that share most of their runs of five tokens, too");
}

void add_examples(hpml::OptionTable& table) {
    table.example(
        "mpirun -np 16 hpml_prepare --input enwiki-latest-pages-articles-multistream.xml.bz2 "
        "--output shards --vocab vocab.txt",
        "a Wikipedia dump as it was fetched; the ranks share the file");
    table.example(
        "hpml_prepare --input extracted --output shards --vocab vocab.txt --pack sentences "
        "--sequence-length 128 512",
        "shards/128 and shards/512, for training in two phases");
    table.example("hpml_prepare train-vocab --help", "make a vocabulary from a corpus");
    table.example("hpml_prepare --input extracted --output shards --vocab vocab.txt",
                  "a folder of WikiExtractor's files");
    table.example(
        "mpirun -np 16 hpml_prepare --input a.txt b.txt --output shards --vocab vocab.txt",
        "the same bytes, made by 16 ranks");
}

void declare(hpml::OptionTable& table, PrepareOptions& options) {
    declare_source(table, options);
    hpml::OptionGroup output = table.group("Output");
    add_row_options(output, options);
    add_document_options(output, options);
    add_examples(table);
}

void report(const PrepareOptions& options, const PrepareSummary& summary, const hpml::Log& log) {
    const double input = megabytes(summary.input);
    for (const CorpusSummary& corpus : summary.corpora) {
        log.info("{}: {} documents ({} for validation), {} rows, {} tokens, {} shards",
                 hpml::corpus::corpus_folder(options, corpus.sequence_length).string(),
                 summary.documents, summary.validation_documents, corpus.rows, corpus.tokens,
                 corpus.shards);
    }
    log.info("unigram entropy of the training tokens: {:.4f} nats", summary.unigram_entropy_nats);
    if (options.duplicates != DuplicateDocuments::Keep) {
        log.info("{} documents of the same text as an earlier one left out",
                 summary.exact_duplicates);
    }
    if (options.duplicates == DuplicateDocuments::Near) {
        log.info("{} documents like an earlier one, of another text, left out",
                 summary.near_duplicates);
    }
    if (summary.was_complete) {
        log.info("all is there already, made with the same settings; nothing to do");
        return;
    }
    for (std::size_t reason = 0; reason < hpml::text::kDrops; ++reason) {
        if (summary.dropped[reason] > 0) {
            log.info("{} {} left out", summary.dropped[reason],
                     hpml::text::drop_name(static_cast<hpml::text::Drop>(reason)));
        }
    }
    if (summary.empty_documents > 0) {
        log.info("{} documents without text left out", summary.empty_documents);
    }
    if (summary.cut_documents > 0) {
        log.warn("{} documents were longer than {} MiB and were cut there", summary.cut_documents,
                 hpml::text::kLongestDocument >> 20);
    }
    log.info("{:.1f} MB in {:.2f} s, {:.1f} MB/s; peak memory {:.0f} MiB per rank", input,
             summary.elapsed.value, input / summary.elapsed.value,
             static_cast<double>(summary.peak_memory.value) / 1048576.0);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "convert") {
        return hpml::convert_program(argc - 1, argv + 1);
    }
    if (argc > 1 && std::string_view(argv[1]) == "train-vocab") {
        return hpml::train_vocabulary_program(argc - 1, argv + 1);
    }
    PrepareOptions options;
    hpml::OptionTable table("hpml_prepare",
                            "Turn raw text into shards of tokens, alone or under mpirun");
    declare(table, options);
    return hpml::run_parallel_program(
        [&] { return table.parse(argc, argv) == hpml::ParseResult::Run; },
        [&](const hpml::mpi::Communicator& world) {
            const hpml::Log log(world.rank(), world.is_root());
            report(options, hpml::corpus::prepare(options, world, log), log);
            return 0;
        });
}
