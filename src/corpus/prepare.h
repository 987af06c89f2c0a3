#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/log.h"
#include "base/units.h"
#include "corpus/duplicate_documents.h"
#include "corpus/packing.h"
#include "mpi/communicator.h"
#include "text/documents.h"
#include "text/tokenizer.h"

namespace hpml::corpus {

/// What hpml_prepare is asked to do.
struct PrepareOptions {
    /// Files, folders read recursively by name, patterns of names, "-" for the standard input.
    std::vector<std::filesystem::path> inputs;
    std::filesystem::path output;
    std::filesystem::path vocabulary;  ///< a tokenizer's folder or file
    text::DocumentOptions documents;   ///< how documents stand in the inputs
    /// Kibibytes of a large file on disk that a rank takes at once; 0: by the kind of file. The
    /// output does not depend on it.
    std::int64_t part_kibibytes = 0;
    text::CaseChoice letter_case = text::CaseChoice::Auto;
    /// Longest rows, [CLS] and [SEP] included; >= 3. Of several, each gives a corpus of its own, in
    /// a folder of the output named by the number, from text that is tokenized once.
    std::vector<std::int64_t> sequence_lengths{128};
    Pack pack = Pack::Documents;
    double short_sequences = 0;  ///< share of rows that end early
    std::int64_t sequences_per_shard = 65536;
    double validation_fraction = 0.01;  ///< of the documents, in [0, 1)
    std::uint64_t seed = 42;  ///< of the validation split, the documents' order and short rows
    bool shuffle = false;     ///< the documents, before they are cut into rows
    DuplicateDocuments duplicates = DuplicateDocuments::Keep;
};

/// The folder of the corpus of one of the options' lengths.
[[nodiscard]] std::filesystem::path corpus_folder(const PrepareOptions& options,
                                                  std::int64_t sequence_length);

/// What was made for one sequence length.
struct CorpusSummary {
    std::int64_t sequence_length = 0;
    std::int64_t rows = 0;
    std::int64_t tokens = 0;  ///< special tokens included
    std::int64_t shards = 0;
};

struct PrepareSummary {
    bool was_complete = false;  ///< all was there already; only the corpora's own counts are set
    std::int64_t documents = 0;
    std::int64_t validation_documents = 0;
    std::vector<CorpusSummary> corpora;  ///< of each sequence length
    std::int64_t empty_documents = 0;    ///< without a token, left out
    std::int64_t cut_documents = 0;      ///< longer than text::kLongestDocument
    std::int64_t exact_duplicates = 0;   ///< of the same text as an earlier one, left out
    std::int64_t near_duplicates = 0;    ///< documents like an earlier one, left out
    text::DropCounts dropped{};          ///< pages of dumps that are no documents
    double unigram_entropy_nats = 0;
    Bytes input;
    Seconds elapsed;
    Bytes peak_memory;  ///< of the rank that took most
};

/// Raw text to shards: documents cut into rows [CLS] tokens [SEP] as `pack` says. Whole documents
/// go to the validation split, by a hash of their text keyed by the seed: at least one, and never
/// all. The bytes of the output depend on the settings and the input only, not on the number of
/// ranks. Collective.
///
/// Each input file, or part of a large one, becomes a piece of token ids in OUTPUT/.work, made by
/// any rank; then the pieces, in input order or shuffled by document and without duplicates, are
/// cut into shards. Memory is bounded by the longest document and one shard, whatever the size of
/// the input; the search for duplicates takes a bit or two for each document, too. An interrupted
/// preparation goes on from its finished pieces and shards; a finished one is recognised by its
/// settings, which include the names, sizes and content of the inputs (content whose size and times
/// are as before is not read again). manifest.json is written last.
/// @throw MissingInputError; InputError also if an input changes meanwhile; MismatchError naming
/// the settings that differ from those of what lies in the output; OutputError also while another
/// hpml_prepare works in the output; IoError. The same on every rank
[[nodiscard]] PrepareSummary prepare(const PrepareOptions& options, const mpi::Communicator& ranks,
                                     const Log& log);

}  // namespace hpml::corpus
