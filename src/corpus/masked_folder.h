#pragma once

#include <filesystem>

#include "corpus/manifest.h"
#include "mpi/communicator.h"
#include "text/tokenizer.h"

namespace hpml::corpus {

/// Whether the folder is no data folder but holds files of masked rows, somewhere. Rank 0 looks.
/// Collective.
[[nodiscard]] bool is_masked_folder(const std::filesystem::path& data,
                                    const mpi::Communicator& ranks);

/// What a folder of the predecessors' files holds, in the form of a manifest of kind MaskedRows;
/// the test files are its validation split. It is a corpus of pairs if all files have labels for
/// next-sentence prediction and the first row of any has a second segment. The ranks share the look
/// into the files; of each only shapes and that row are read, so tokens and the entropy stay 0, and
/// an entry's hash is of name, size and rows. Collective.
/// @param tokenizer  of the rows @throw as import_masked
[[nodiscard]] Manifest read_masked_folder(const std::filesystem::path& data,
                                          const text::Tokenizer& tokenizer,
                                          const mpi::Communicator& ranks);

/// Read every row of such a folder once, and check it against the vocabulary.
/// @throw InputError naming file and row; IoError
void check_masked_rows(const std::filesystem::path& data, const Manifest& manifest,
                       const text::Tokenizer& tokenizer);

}  // namespace hpml::corpus
