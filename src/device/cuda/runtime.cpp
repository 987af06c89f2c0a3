#include "device/cuda/runtime.h"

#include <cuda_runtime_api.h>
#include <nvtx3/nvToolsExt.h>

#include <utility>

#include "device/cuda/failure.h"

namespace hpml::cuda {

std::string& failure_text() noexcept {
    static thread_local std::string text;
    return text;
}

int fail(std::string text) noexcept {
    failure_text() = std::move(text);
    return 1;
}

int status_of(int cuda_error, const char* call) noexcept {
    const auto error = static_cast<cudaError_t>(cuda_error);
    if (error == cudaSuccess) {
        return 0;
    }
    return fail(std::string(call) + ": " + cudaGetErrorString(error) + " (" +
                cudaGetErrorName(error) + ")");
}

int device_count(int* count) {
    *count = 0;
    const cudaError_t error = cudaGetDeviceCount(count);
    if (error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver) {
        // CUDA says "insufficient" also of a machine without any driver: there is nothing to use.
        *count = 0;
        return 0;
    }
    return status_of(error, "cudaGetDeviceCount");
}

int select_device(int device) {
    // cudaSetDevice makes the context too (since CUDA 12), so that a GPU in exclusive mode that
    // another process holds is refused here and not at the first kernel.
    return status_of(cudaSetDevice(device), "cudaSetDevice");
}

int device_identity(int device, char* text, std::size_t bytes) {
    return status_of(cudaDeviceGetPCIBusId(text, static_cast<int>(bytes), device),
                     "cudaDeviceGetPCIBusId");
}

int device_memory(std::uint64_t* free, std::uint64_t* total) {
    std::size_t free_bytes = 0;
    std::size_t total_bytes = 0;
    const int status = status_of(cudaMemGetInfo(&free_bytes, &total_bytes), "cudaMemGetInfo");
    *free = free_bytes;
    *total = total_bytes;
    return status;
}

int stream_create(void** stream) {
    cudaStream_t made = nullptr;
    const int status = status_of(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking),
                                 "cudaStreamCreateWithFlags");
    *stream = made;
    return status;
}

void stream_destroy(void* stream) {
    if (stream != nullptr) {
        cudaStreamDestroy(static_cast<cudaStream_t>(stream));
    }
}

int stream_synchronize(void* stream) {
    return status_of(cudaStreamSynchronize(static_cast<cudaStream_t>(stream)),
                     "cudaStreamSynchronize");
}

int stream_wait_event(void* stream, void* event) {
    return status_of(
        cudaStreamWaitEvent(static_cast<cudaStream_t>(stream), static_cast<cudaEvent_t>(event), 0),
        "cudaStreamWaitEvent");
}

int event_create(void** event) {
    cudaEvent_t made = nullptr;
    const int status = status_of(cudaEventCreate(&made), "cudaEventCreate");
    *event = made;
    return status;
}

void event_destroy(void* event) {
    if (event != nullptr) {
        cudaEventDestroy(static_cast<cudaEvent_t>(event));
    }
}

int event_record(void* event, void* stream) {
    return status_of(
        cudaEventRecord(static_cast<cudaEvent_t>(event), static_cast<cudaStream_t>(stream)),
        "cudaEventRecord");
}

int event_query(void* event, int* done) {
    const cudaError_t error = cudaEventQuery(static_cast<cudaEvent_t>(event));
    *done = error == cudaSuccess ? 1 : 0;
    return error == cudaErrorNotReady ? 0 : status_of(error, "cudaEventQuery");
}

int event_synchronize(void* event) {
    return status_of(cudaEventSynchronize(static_cast<cudaEvent_t>(event)), "cudaEventSynchronize");
}

int event_elapsed(void* earlier, void* later, double* seconds) {
    float milliseconds = 0;
    const int status =
        status_of(cudaEventElapsedTime(&milliseconds, static_cast<cudaEvent_t>(earlier),
                                       static_cast<cudaEvent_t>(later)),
                  "cudaEventElapsedTime");
    *seconds = milliseconds * 1e-3;
    return status;
}

void range_push(const char* name) { nvtxRangePushA(name); }

void range_pop() { nvtxRangePop(); }

}  // namespace hpml::cuda
