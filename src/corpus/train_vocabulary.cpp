#include "corpus/train_vocabulary.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/megabytes.h"
#include "corpus/data_folder.h"
#include "corpus/prepare_input.h"

namespace hpml::corpus {

namespace {

constexpr double kProgressSeconds = 5;

TrainVocabularySummary train(const TrainVocabularyOptions& options,
                             const std::vector<InputEntry>& inputs, const Log& log) {
    TrainVocabularySummary summary;
    text::VocabularyTrainer trainer(options.vocabulary);
    const Stopwatch counting;
    Seconds next_report(kProgressSeconds);
    for (const InputEntry& input : inputs) {
        const text::DocumentFile file(input.path, options.documents);
        const auto reader = file.open();
        text::Document document;
        while (reader->next(document)) {
            trainer.add(document.text);
            ++summary.documents;
            summary.bytes += Bytes(document.text.size());
            if (const Seconds elapsed = counting.elapsed(); elapsed > next_report) {
                next_report = elapsed + Seconds(kProgressSeconds);
                log.info("counting words: {:.0f} MB of text", megabytes(summary.bytes));
            }
        }
    }
    summary.counting = counting.elapsed();
    summary.forgotten = trainer.forgotten();
    const Stopwatch training;
    const auto tokenizer = trainer.train();
    summary.training = training.elapsed();
    summary.tokens = tokenizer->size();
    make_folders(options.output);
    write_tokenizer(options.output, *tokenizer);
    return summary;
}

}  // namespace

TrainVocabularySummary train_vocabulary(const TrainVocabularyOptions& options,
                                        const mpi::Communicator& ranks, const Log& log) {
    const auto inputs = list_inputs(options.inputs, options.output, ranks);
    TrainVocabularySummary summary;
    mpi::on_root(ranks, [&] { summary = train(options, inputs, log); });
    return summary;
}

}  // namespace hpml::corpus
