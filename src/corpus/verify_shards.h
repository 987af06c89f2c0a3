#pragma once

#include <filesystem>

#include "corpus/manifest.h"
#include "mpi/communicator.h"

namespace hpml::corpus {

/// Check presence, size and hash of every shard once per node: the ranks of a node share the
/// reading, and a node's own copy of the folder is still checked whole. Whoever opens the shards
/// afterwards need not hash them again (VerifyHash::No). Collective.
/// @throw MissingInputError, InputError (of the first bad shard), IoError; the same on every rank
void verify_shards(const std::filesystem::path& data, const Manifest& manifest,
                   const mpi::Communicator& ranks);

}  // namespace hpml::corpus
