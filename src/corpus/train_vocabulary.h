#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/log.h"
#include "base/units.h"
#include "mpi/communicator.h"
#include "text/documents.h"
#include "text/vocabulary_trainer.h"

namespace hpml::corpus {

/// What hpml_prepare train-vocab is asked to do.
struct TrainVocabularyOptions {
    std::vector<std::filesystem::path> inputs;  ///< as of PrepareOptions, but for "-"
    std::filesystem::path output;               ///< a folder
    text::DocumentOptions documents;
    text::VocabularyOptions vocabulary;
};

struct TrainVocabularySummary {
    std::int64_t documents = 0;
    Bytes bytes;  ///< of text
    std::int64_t tokens = 0;
    std::int64_t forgotten = 0;  ///< occurrences of a rare word that may have been missed
    Seconds counting;
    Seconds training;
};

/// Make a vocabulary from a corpus and write the tokenizer's files into a folder. Rank 0 works
/// alone. Collective.
/// @throw MissingInputError, InputError, UsageError, OutputError, IoError; the same on every rank
[[nodiscard]] TrainVocabularySummary train_vocabulary(const TrainVocabularyOptions& options,
                                                      const mpi::Communicator& ranks,
                                                      const Log& log);

}  // namespace hpml::corpus
