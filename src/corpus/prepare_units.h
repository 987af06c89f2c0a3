#pragma once

#include <cstddef>
#include <vector>

#include "corpus/prepare.h"
#include "corpus/prepare_input.h"
#include "mpi/communicator.h"
#include "text/documents.h"

namespace hpml::corpus {

/// What one rank tokenizes in one go: an input file, or a part of one that is large and can be read
/// in parts. Its documents become one piece.
struct WorkUnit {
    std::size_t input = 0;  ///< index into the inputs
    text::FilePart part;    ///< bytes of the file on disk
};

/// The units of all inputs, in order; the same on every rank whatever their number. Rank 0 looks
/// into the large files only. Collective.
/// @throw what text::DocumentFile throws
[[nodiscard]] std::vector<WorkUnit> plan_units(const std::vector<InputEntry>& inputs,
                                               const PrepareOptions& options,
                                               const mpi::Communicator& ranks);

}  // namespace hpml::corpus
