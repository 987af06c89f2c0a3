#pragma once

#include <string>

#include "base/log.h"
#include "comm/progress.h"
#include "mpi/communicator.h"
#include "train/accelerator.h"
#include "train/threads.h"

namespace hpml::train {

struct ComputeOptions {
    std::string device = "auto";  ///< auto, cpu, cuda
    int threads = 0;              ///< per rank; 0: from the affinity masks
    comm::ProgressWish progress = comm::ProgressWish::Auto;
    bool multiple_threads = false;  ///< MPI may be called from any thread
};

/// What this process computes on, and who drives its communication.
struct Compute {
    ThreadChoice threads;
    comm::Progress progress = comm::Progress::Inline;
    std::string communication;  ///< why, for the banner
    Accelerator accelerator;
};

/// Decide, and set the number of LibTorch's threads; warns of cores and GPUs that stay idle.
/// Collective.
/// @throw ResourceError where `cuda` is asked for and not there
[[nodiscard]] Compute choose_compute(const ComputeOptions& options, const mpi::Communicator& ranks,
                                     const Log& log);

}  // namespace hpml::train
