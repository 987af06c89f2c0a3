#pragma once

#include <filesystem>

#include "base/json.h"
#include "base/log.h"
#include "mpi/communicator.h"
#include "train/communication.h"

namespace hpml::tasks {

/// How a run sums its gradients, as its checkpoints record it: all that the bits depend on beside
/// the numbers themselves, the cost model's constants by which `auto` chooses among it.
/// @param resolved  as the replica uses them: nothing is left open
[[nodiscard]] Json sums_record(const train::CommunicationOptions& resolved, int ranks);

/// The options of a start that goes on from a checkpoint. What they leave open is as the checkpoint
/// has recorded it, also on a machine with other caches and by a program that ships other
/// constants; where the bits will still not be those of a run that was not interrupted, one line
/// says why. With reproducible=off nothing is kept. Collective.
[[nodiscard]] train::CommunicationOptions continue_sums(train::CommunicationOptions options,
                                                        const std::filesystem::path& checkpoint,
                                                        const mpi::Communicator& ranks,
                                                        const Log& log);

}  // namespace hpml::tasks
