#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "comm/all_reduce.h"
#include "comm/all_reduce_options.h"
#include "device/module.h"
#include "mpi/communicator.h"

namespace hpml::train {

/// Where a rank computes: its CPU cores or one GPU.
struct Accelerator {
    at::Device device{at::kCPU};
    std::shared_ptr<device::CudaModule> cuda;  ///< null on a CPU
    /// "cpu", "cpu (no NVIDIA driver ...)", "GPU 0 of 4 (CUDA 13.0, NCCL 2.28.9, ...)"
    std::string description;
};

/// Opens the GPU module, or says with a ResourceError why there is nothing to compute on.
using OpenCuda = std::function<device::CudaModule()>;

/// How a rank looks for GPUs.
struct CudaSearch {
    OpenCuda open = device::open_cuda;
    std::function<bool()> has_driver = device::has_cuda_driver;
};

/// Answer --device: `cpu`; `cuda`: the GPU whose number is the rank's number on its node; `auto`: a
/// GPU for every rank of the job, else the CPU for all of them, and the description says why; so
/// does a warning where any rank's node has a driver, for there somebody counts on the GPUs.
/// Before the first tensor is made. Collective.
/// @throw ResourceError on every rank for `cuda`, naming what is missing
[[nodiscard]] Accelerator choose_accelerator(const std::string& wanted,
                                             const mpi::Communicator& ranks, const Log& log,
                                             const CudaSearch& search = {});

/// The all-reduce that goes with it: NCCL between GPUs, else that of the options. Collective.
[[nodiscard]] std::unique_ptr<comm::Algorithm> make_algorithm(const Accelerator& accelerator,
                                                              const comm::AllReduceOptions& options,
                                                              const mpi::Communicator& ranks);

}  // namespace hpml::train
