#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/units.h"
#include "mpi/communicator.h"

namespace hpml::corpus {

/// One file of the input.
struct InputEntry {
    std::filesystem::path path;
    std::string name;  ///< relative to the input that the user named, so that a corpus can move
    Bytes size;
    std::int64_t modified_ns = 0;  ///< since the epoch
    std::int64_t changed_ns = 0;   ///< likewise, of the inode: no program can set it back
};

/// All files below `inputs`, in the order given, those of a folder or a pattern by name; hidden
/// ones and the indices of multistream dumps are left out, links to files and folders are followed.
/// Rank 0 looks, all get its list. Collective.
/// @throw MissingInputError for an absent input, a pattern that matches nothing or a link that
/// leads nowhere; InputError if there is no file at all, or for a link back to a folder that holds
/// it; UsageError for a file that is given twice, an index of a dump or an `output` inside an input
/// folder
[[nodiscard]] std::vector<InputEntry> list_inputs(const std::vector<std::filesystem::path>& inputs,
                                                  const std::filesystem::path& output,
                                                  const mpi::Communicator& ranks);

/// Write what the standard input of rank 0 holds to a file, so that it has a size, can be read in
/// parts and compared. Collective. @throw OutputError, IoError
void keep_standard_input(const std::filesystem::path& path, const mpi::Communicator& ranks);

/// Of names, sizes and times: the same stamp means the same content, found without reading any. A
/// copy or a touched file has another stamp and may have the same content.
[[nodiscard]] Digest input_stamp(const std::vector<InputEntry>& inputs);

/// Of what all files hold, in order; the ranks share the reading. The same on every rank whatever
/// their number. Collective.
/// @throw MissingInputError, IoError
[[nodiscard]] Digest input_content(const std::vector<InputEntry>& inputs,
                                   const mpi::Communicator& ranks);

}  // namespace hpml::corpus
