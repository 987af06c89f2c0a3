#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/units.h"
#include "comm/all_reduce.h"
#include "comm/all_reduce_options.h"
#include "mpi/communicator.h"

namespace hpml::comm {

/// What the option `allreduce` may be.
[[nodiscard]] const std::vector<std::string>& algorithm_names();

/// The algorithm of the options for buffers in host memory. Collective.
///
/// `auto` is `shm` where all ranks are on one node that can share memory; between nodes the one
/// that the cost model finds fastest for the size of a buffer, `hierarchical` only where all nodes
/// have as many ranks. Where the sums must not depend on where buffers are cut
/// (reproducible.h), or travel in another form, it is `twoshot` between nodes. All but the MPI
/// library's own have the same bits in every run. With one rank it is the identity.
/// @throw UsageError for options out of their range
/// @throw ResourceError for one that is not possible where the ranks are
[[nodiscard]] std::unique_ptr<Algorithm> make_algorithm(const AllReduceOptions& options,
                                                        const mpi::Communicator& ranks);

/// The algorithm, which compares each operation over the ranks first if the options ask for it.
/// Collective.
[[nodiscard]] std::unique_ptr<Algorithm> checked(std::unique_ptr<Algorithm> algorithm,
                                                 const AllReduceOptions& options,
                                                 const mpi::Communicator& ranks);

/// What a bucket should hold by default on a CPU: clamp(L3 / (2 * ranks on the node), 1, 8) MiB,
/// because a bucket that stays in the last-level cache is summed several times faster than one
/// that does not.
/// @param last_level_cache  of the node, as `last_level_cache()` reads it; 0 if unknown
[[nodiscard]] Bytes default_bucket_size(Bytes last_level_cache, int ranks_on_node);

/// The smallest of what the ranks would choose: nodes may hold different numbers of ranks or other
/// processors, and the buckets must be the same everywhere. Collective.
[[nodiscard]] Bytes agreed_bucket_size(Bytes mine, const mpi::Communicator& ranks);

/// Size of this machine's level-3 cache (one instance) by /sys, 0 where it does not say.
[[nodiscard]] Bytes last_level_cache();

}  // namespace hpml::comm
