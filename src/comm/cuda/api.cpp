#include <cuda_runtime_api.h>
#include <nccl.h>
#include <torch/version.h>

#include "comm/cuda/nccl.h"
#include "device/cuda/failure.h"
#include "device/cuda/runtime.h"
#include "device/cuda_api.h"

namespace hpml::cuda {

namespace {

std::string version(int number, int major_unit, int minor_unit) {
    return std::to_string(number / major_unit) + "." +
           std::to_string(number % major_unit / minor_unit);
}

const char* last_error() { return failure_text().c_str(); }

const char* description() {
    static const std::string text = [] {
        int cuda = 0;
        int nccl = 0;
        cudaRuntimeGetVersion(&cuda);
        ncclGetVersion(&nccl);
        return "CUDA " + version(cuda, 1000, 10) + ", NCCL " + version(nccl, 10000, 100) + "." +
               std::to_string(nccl % 100) + ", LibTorch " + TORCH_VERSION;
    }();
    return text.c_str();
}

constexpr device::CudaApi kApi = {
    .version = device::kCudaApiVersion,
    .bytes = sizeof(device::CudaApi),
    .last_error = last_error,
    .description = description,
    .device_count = device_count,
    .select_device = select_device,
    .device_identity = device_identity,
    .device_memory = device_memory,
    .stream_create = stream_create,
    .stream_destroy = stream_destroy,
    .stream_synchronize = stream_synchronize,
    .stream_wait_event = stream_wait_event,
    .event_create = event_create,
    .event_destroy = event_destroy,
    .event_record = event_record,
    .event_query = event_query,
    .event_synchronize = event_synchronize,
    .event_elapsed = event_elapsed,
    .scale_and_check = scale_and_check,
    .nccl_versions = nccl_versions,
    .nccl_unique_id = nccl_unique_id,
    .nccl_create = nccl_create,
    .nccl_destroy = nccl_destroy,
    .nccl_start = nccl_start,
    .nccl_poll = nccl_poll,
    .nccl_release = nccl_release,
    .range_push = range_push,
    .range_pop = range_pop,
};

}  // namespace

}  // namespace hpml::cuda

extern "C" __attribute__((visibility("default"))) const hpml::device::CudaApi* hpml_cuda_api() {
    return &hpml::cuda::kApi;
}
