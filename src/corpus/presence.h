#pragma once

#include <filesystem>

#include "corpus/manifest.h"
#include "mpi/communicator.h"

namespace hpml::corpus {

/// `check_shards_present` by one rank of each node: a node may have a copy of its own, and a shared
/// file system is not asked by every rank. Collective. @throw the same on every rank
void check_shards_on_nodes(const std::filesystem::path& data, const Manifest& manifest,
                           const mpi::Communicator& ranks);

}  // namespace hpml::corpus
