#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "corpus/duplicates.h"
#include "corpus/prepare_piece.h"
#include "mpi/communicator.h"

namespace hpml::corpus {

/// What becomes of documents that are like an earlier one.
enum class DuplicateDocuments {
    Keep,   ///< they stay
    Exact,  ///< those of the same text are left out
    Near,   ///< those that have a MinHash key in common, too
};
[[nodiscard]] std::string_view duplicates_name(DuplicateDocuments duplicates);

/// Whether it falls to the calling rank; the same rule for all work that is numbered.
[[nodiscard]] bool falls_to(const mpi::Communicator& ranks, std::size_t index);

struct FoundDuplicates {
    ItemBits dropped;        ///< a bit for each document
    std::int64_t exact = 0;  ///< same text as an earlier one
    std::int64_t near = 0;   ///< like an earlier one, of another text
};

/// Where and how they are looked for.
struct DuplicateSearch {
    std::filesystem::path folder;  ///< existing, for scratch
    DuplicateDocuments kind = DuplicateDocuments::Exact;
    /// Hashes that are in memory before they are sorted and written, 24 bytes each.
    std::size_t most_hashes = std::size_t{1} << 20;
};

/// Find the documents that are like an earlier one of any piece, which itself may be one of them.
/// What is found depends on the documents and their order only. Memory: a bit or two for each
/// document, two times `most_hashes`, and one partition of a DuplicateFinder; on disk, 24 bytes for
/// each document and key. Collective. @throw IoError, OutputError, InputError; the same on every
/// rank
[[nodiscard]] FoundDuplicates find_duplicate_documents(const DocumentPieces& pieces,
                                                       const DuplicateSearch& search,
                                                       const mpi::Communicator& ranks);

}  // namespace hpml::corpus
