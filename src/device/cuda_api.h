#pragma once

#include <cstddef>
#include <cstdint>

namespace hpml::device {

/// Raised with every change below: a module of another version is refused.
inline constexpr std::uint32_t kCudaApiVersion = 3;

/// Long enough for an ncclUniqueId.
inline constexpr std::size_t kNcclIdBytes = 128;

/// What one pass over a gradient finds.
struct CudaGradientCheck {
    double sum_of_squares = 0;     ///< of the scaled finite values
    std::uint64_t not_finite = 0;  ///< values that are infinite or not a number
};

struct CudaNcclOptions {
    unsigned char id[kNcclIdBytes];  ///< made by one rank, the same on all
    int rank;
    int ranks;
    double timeout_seconds;  ///< for the other ranks to come
};

/// All that libhpml_cuda.so offers: plain C functions, so that no exception and no allocation
/// crosses the border. A function that returns int gives 0, or 1 after a failure that
/// `last_error()` of the same thread describes. Handles are made and destroyed by the module.
/// All device memory is the current device's.
struct CudaApi {
    std::uint32_t version;  ///< kCudaApiVersion when it was built; first, for ever
    std::uint32_t bytes;    ///< sizeof(CudaApi) when it was built

    const char* (*last_error)();
    const char* (*description)();  ///< "CUDA 13.0, NCCL 2.28.9, LibTorch 2.11.0"

    int (*device_count)(int* count);
    int (*select_device)(int device);
    /// PCI bus id, the same for every process that sees the device; the text ends with a zero.
    int (*device_identity)(int device, char* text, std::size_t bytes);
    int (*device_memory)(std::uint64_t* free, std::uint64_t* total);

    int (*stream_create)(void** stream);
    void (*stream_destroy)(void* stream);
    int (*stream_synchronize)(void* stream);
    int (*stream_wait_event)(void* stream, void* event);
    int (*event_create)(void** event);
    void (*event_destroy)(void* event);
    int (*event_record)(void* event, void* stream);
    int (*event_query)(void* event, int* done);
    int (*event_synchronize)(void* event);
    int (*event_elapsed)(void* earlier, void* later, double* seconds);

    /// values[i] *= scale, and what the result is like. Runs on `stream`; `check` is host memory,
    /// filled when the function returns, so the function waits for the stream.
    int (*scale_and_check)(float* values, std::size_t count, float scale, CudaGradientCheck* check,
                           void* stream);

    /// NCCL's version codes: of the headers when the module was built, of the library now.
    int (*nccl_versions)(int* built, int* loaded);
    int (*nccl_unique_id)(unsigned char* id);
    /// Collective over the ranks of the options; waits until all have come or the time is up.
    int (*nccl_create)(const CudaNcclOptions* options, void** communicator);
    void (*nccl_destroy)(void* communicator);
    /// Sum in place, on the communicator's own stream, after the work that this thread's current
    /// LibTorch stream holds. Like nccl_poll it makes the communicator's device this thread's
    /// current one.
    int (*nccl_start)(void* communicator, float* values, std::size_t count, void** operation);
    int (*nccl_poll)(void* operation, int* done);
    void (*nccl_release)(void* operation);

    /// A range of this thread in an NVTX profiler (Nsight Systems), one inside the other.
    void (*range_push)(const char* name);
    void (*range_pop)();
};

/// The one symbol that the module exports, `extern "C" const CudaApi* hpml_cuda_api()`.
using CudaApiEntry = const CudaApi* (*)();
inline constexpr const char* kCudaApiEntryName = "hpml_cuda_api";

}  // namespace hpml::device
