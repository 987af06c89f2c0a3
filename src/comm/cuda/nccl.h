#pragma once

#include <cstddef>

#include "device/cuda_api.h"

/// Inside the GPU module only: the NCCL part of CudaApi. The contracts stand in device/cuda_api.h.
namespace hpml::cuda {

int nccl_versions(int* built, int* loaded);
int nccl_unique_id(unsigned char* id);
int nccl_create(const device::CudaNcclOptions* options, void** communicator);
void nccl_destroy(void* communicator);
int nccl_start(void* communicator, float* values, std::size_t count, void** operation);
int nccl_poll(void* operation, int* done);
void nccl_release(void* operation);

}  // namespace hpml::cuda
