#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <vector>

#include "base/hash.h"
#include "base/log.h"
#include "base/units.h"
#include "corpus/duplicate_documents.h"
#include "mpi/communicator.h"

namespace hpml::corpus {

/// What is asked for between tokenizing and cutting into rows.
struct OrderTask {
    std::filesystem::path folder;  ///< scratch of this stage; what is in it is removed
    Digest settings;               ///< of all that decides the documents
    std::uint64_t seed = 0;
    bool shuffle = false;
    DuplicateDocuments duplicates = DuplicateDocuments::Keep;
    Bytes bucket = mib(32);  ///< of documents that are sorted in memory, on average
    Bytes spread = mib(32);  ///< of documents that are gathered before they are spread
    std::size_t most_hashes = std::size_t{1} << 20;  ///< as in DuplicateSearch

    [[nodiscard]] bool has_work() const {
        return shuffle || duplicates != DuplicateDocuments::Keep;
    }
};

struct OrderedDocuments {
    DocumentPieces pieces;  ///< in the task's folder
    std::int64_t documents = 0;
    std::int64_t exact_duplicates = 0;  ///< left out
    std::int64_t near_duplicates = 0;   ///< left out, of another text
    /// Of the documents that stay, as in PieceSummary.
    std::int64_t least_draw = std::numeric_limits<std::int64_t>::max();
    std::int64_t greatest_draw = -1;
    bool was_there = false;  ///< made by an earlier run
    Bytes peak;              ///< of the documents of one bucket in memory, on any rank
};

/// Make of the pieces other ones, of the same form, without duplicates and, if asked for, with
/// the documents in random order: that of a hash of text and seed. So the order is a function of
/// the set of documents and the seed, and two documents stand in the same order in every corpus.
/// Nothing depends on the number of ranks, the pieces or the limits. The pieces stay; interrupted,
/// this stage begins anew, and once finished it is found again by its note, ordered.json, if all it
/// has made is undamaged. It needs, beside them, room on disk for the documents twice
/// while they are shuffled, and once after it. Collective.
/// @throw OutputError, IoError, InputError for a damaged piece; the same on every rank
[[nodiscard]] OrderedDocuments order_documents(const DocumentPieces& pieces, const OrderTask& task,
                                               const mpi::Communicator& ranks, const Log& log);

}  // namespace hpml::corpus
