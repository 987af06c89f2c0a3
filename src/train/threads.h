#pragma once

#include <string>

#include "comm/progress.h"
#include "mpi/communicator.h"

namespace hpml::train {

/// How many threads a rank computes with, and why.
struct ThreadChoice {
    int threads = 1;
    int cores_on_node = 1;  ///< in the union of the masks of this node's ranks
    int ranks_on_node = 1;
    bool disjoint = true;     ///< the masks of the node's ranks share no core
    int cores_of_rank = 1;    ///< in this rank's own mask
    int idle_cores = 0;       ///< cores of the node's union that no thread will use
    std::string explanation;  ///< one line for the banner
};

/// @param requested  --threads; 0: this rank's own affinity mask where the masks of the node's
/// ranks are disjoint, else their union divided by the ranks. Collective.
[[nodiscard]] ThreadChoice choose_threads(const mpi::Communicator& ranks, int requested);

/// What comm needs to know to decide who drives the communication.
[[nodiscard]] comm::ProgressFacts progress_facts(const mpi::Communicator& ranks,
                                                 const ThreadChoice& threads,
                                                 bool multiple_threads);

}  // namespace hpml::train
