#pragma once

#include <memory>

#include "base/units.h"
#include "comm/all_reduce.h"
#include "device/module.h"
#include "mpi/communicator.h"

namespace hpml::comm {

/// The GPU of a rank: its number on the node, or 0 where the batch system shows each rank one GPU
/// of its own. Local.
/// @throw ResourceError if the node has fewer GPUs than ranks
[[nodiscard]] int choose_device(int devices, int rank_on_node);

/// Check that no two ranks hold the same GPU, `device` of each. Collective.
/// @throw ResourceError on every rank, naming the two; BackendError if a GPU does not tell its name
void require_own_devices(const device::CudaModule& module, const mpi::Communicator& ranks,
                         int device);

/// All-reduce of buffers in GPU memory through NCCL, on a stream of its own. The module's current
/// device must be `device`, one for each rank. An operation starts after the work of the thread's
/// current LibTorch stream and is driven by the GPU, so the engine's Inline progress suits it.
/// Collective, the destruction too unless an exception unwinds.
/// @param timeout  for the other ranks to come
/// @throw ResourceError on every rank if two ranks hold the same GPU, BackendError if NCCL fails
[[nodiscard]] std::unique_ptr<Algorithm> make_nccl(const device::CudaModule& module,
                                                   const mpi::Communicator& ranks, int device,
                                                   Seconds timeout = Seconds(120));

}  // namespace hpml::comm
