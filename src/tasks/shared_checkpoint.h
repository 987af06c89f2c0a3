#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "checkpoint/checkpoint.h"
#include "mpi/communicator.h"

namespace hpml::tasks {

/// Work on checkpoints that all ranks share: each reads its own pieces, and no byte is read by two.
/// All are collective and throw the same on every rank.

/// @throw InputError naming the file, what was expected and what was found
[[nodiscard]] checkpoint::Checkpoint verify_together(const std::filesystem::path& folder,
                                                     const mpi::Communicator& ranks);

/// checkpoint::newest_checkpoint, on rank 0, with the hashes looked at by all ranks.
[[nodiscard]] std::optional<checkpoint::Checkpoint> newest_together(
    const std::filesystem::path& run, const mpi::Communicator& ranks, const Log& log,
    checkpoint::IfNoneIsValid if_none = checkpoint::IfNoneIsValid::Refuse);

/// Tensors to be read from a file of a checkpoint; all of it, or parts by their places.
struct FileTargets {
    std::string name;
    std::vector<checkpoint::TensorPart> tensors;
};

/// Fill tensors on every rank. Hashes are looked at once more, on the bytes that are used.
/// @throw InputError for a tensor that is absent or has another shape, or a changed file
void read_together(const std::filesystem::path& folder, const std::vector<FileTargets>& files,
                   const mpi::Communicator& ranks);

}  // namespace hpml::tasks
