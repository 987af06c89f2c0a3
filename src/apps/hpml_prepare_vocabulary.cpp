#include "apps/hpml_prepare_vocabulary.h"

#include "apps/hpml_prepare_input.h"
#include "apps/program.h"
#include "base/log.h"
#include "base/megabytes.h"
#include "corpus/train_vocabulary.h"

namespace hpml {

namespace {

void declare(OptionTable& table, corpus::TrainVocabularyOptions& options) {
    using text::TokenizerKind;
    OptionGroup input = table.group("Input");
    declare_input(input, options.inputs, options.documents);
    table.group("Vocabulary")
        .add("output", options.output,
             "Folder for vocab.txt, or for vocab.json and merges.txt, and tokenizer_config.json")
        .placeholder("DIR")
        .required()
        .add_words(
            "kind", options.vocabulary.kind,
            {{"wordpiece", TokenizerKind::WordPiece}, {"byte-level-bpe", TokenizerKind::BytePair}},
            "BERT's WordPiece, or byte-level BPE as RoBERTa has it")
        .add("size", options.vocabulary.size, "Tokens, special ones included")
        .range(300, 1 << 24)
        .add("least-count", options.vocabulary.least_count,
             "How often two pieces must stand together to be joined")
        .at_least(1)
        .add("alphabet", options.vocabulary.alphabet,
             "Most characters (wordpiece): the most frequent ones")
        .range(1, 1 << 20)
        .add_words("lower-case", options.vocabulary.letter_case,
                   {{"on", text::LetterCase::Lower}, {"off", text::LetterCase::Keep}},
                   "Lower-case and strip accents (wordpiece)");
    table.example(
        "hpml_prepare train-vocab --input extracted --output vocabulary --kind byte-level-bpe",
        "a RoBERTa-like vocabulary, to be given to hpml_prepare --vocab");
}

void report(const corpus::TrainVocabularyOptions& options,
            const corpus::TrainVocabularySummary& summary, const Log& log) {
    log.info("{}: {} tokens from {} documents, {:.1f} MB of text", options.output.string(),
             summary.tokens, summary.documents, megabytes(summary.bytes));
    log.info("counted words in {:.2f} s, joined pairs in {:.2f} s", summary.counting.value,
             summary.training.value);
    if (summary.tokens < options.vocabulary.size) {
        log.warn(
            "the text gives {} of {} tokens (no other pair occurs {} times); give more text "
            "or a smaller --size",
            summary.tokens, options.vocabulary.size, options.vocabulary.least_count);
    }
    if (summary.forgotten > 0) {
        log.warn(
            "there were too many different words to count all: of a rare one {} occurrences "
            "may be missing",
            summary.forgotten);
    }
}

}  // namespace

int train_vocabulary_program(int count, char** arguments) {
    corpus::TrainVocabularyOptions options;
    OptionTable table("hpml_prepare train-vocab", "Make a tokenizer's vocabulary from raw text");
    declare(table, options);
    return run_parallel_program([&] { return table.parse(count, arguments) == ParseResult::Run; },
                                [&](const mpi::Communicator& world) {
                                    const Log log(world.rank(), world.is_root());
                                    report(options, corpus::train_vocabulary(options, world, log),
                                           log);
                                    return 0;
                                });
}

}  // namespace hpml
