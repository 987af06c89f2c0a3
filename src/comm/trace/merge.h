#pragma once

#include <cstdint>
#include <filesystem>

#include "mpi/communicator.h"

namespace hpml::comm {

/// Put the parts of all ranks together in one file, written by rank 0 under a temporary name,
/// synced and renamed. Ranks send what they wrote, since their nodes may share no file system.
/// Collective.
/// @param lost  records that are missing, for the reader
/// @throw IoError, OutputError, MissingInputError: the first one of any rank, on every rank
void merge_trace(const mpi::Communicator& ranks, const std::filesystem::path& file,
                 std::uint64_t lost);

}  // namespace hpml::comm
