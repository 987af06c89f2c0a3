#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/units.h"
#include "mpi/communicator.h"

namespace hpml::corpus {

/// One file of the input.
struct InputEntry {
    std::filesystem::path path;
    std::string name;  ///< relative to the input that the user named, so that a corpus can move
    Bytes size;
};

/// All files below `inputs`, in the order given, a folder's by name; hidden ones are left out. Rank
/// 0 looks, all get its list. Collective.
/// @throw MissingInputError for an absent input; InputError if there is no file at all; UsageError
/// for a file that is given twice or an `output` inside an input folder
[[nodiscard]] std::vector<InputEntry> list_inputs(const std::vector<std::filesystem::path>& inputs,
                                                  const std::filesystem::path& output,
                                                  const mpi::Communicator& ranks);

}  // namespace hpml::corpus
