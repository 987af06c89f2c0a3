#include "comm/cuda/nccl.h"

#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#include <nccl.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

#include "device/cuda/failure.h"
#include "device/cuda/runtime.h"

namespace hpml::cuda {

namespace {

static_assert(sizeof(ncclUniqueId) == device::kNcclIdBytes);

using Clock = std::chrono::steady_clock;

/// A communicator with the stream on which it works. After a failure it is aborted, so that no
/// kernel of it waits for a lost peer.
struct Communicator {
    ncclComm_t handle = nullptr;
    void* stream = nullptr;
    int device = 0;  ///< a thread that drives the communicator has to select it
    Clock::duration timeout{};

    Communicator() = default;
    ~Communicator() {
        if (handle != nullptr) {
            ncclCommDestroy(handle);
        }
        stream_destroy(stream);
    }
    Communicator(const Communicator&) = delete;
    Communicator& operator=(const Communicator&) = delete;
    Communicator(Communicator&&) = delete;
    Communicator& operator=(Communicator&&) = delete;

    int give_up(const std::string& text) {
        ncclCommAbort(handle);
        handle = nullptr;
        return fail(text);
    }

    int check(ncclResult_t result, const char* call) {
        if (result == ncclSuccess || result == ncclInProgress) {
            return 0;
        }
        std::string text = std::string(call) + ": " + ncclGetErrorString(result);
        if (const char* detail = handle != nullptr ? ncclGetLastError(handle) : nullptr;
            detail != nullptr && *detail != '\0') {
            text += std::string(" (") + detail + ")";
        }
        return handle != nullptr ? give_up(text) : fail(text);
    }

    /// A call on a non-blocking communicator goes on in the background: wait for its end.
    int settle(const char* call) {
        const auto deadline = Clock::now() + timeout;
        ncclResult_t state = ncclInProgress;
        while (true) {
            const ncclResult_t asked = ncclCommGetAsyncError(handle, &state);
            if (asked != ncclSuccess) {
                return check(asked, "ncclCommGetAsyncError");
            }
            if (state != ncclInProgress) {
                return check(state, call);
            }
            if (Clock::now() > deadline) {
                return give_up(std::string(call) +
                               " did not finish in time: another rank has not come, or the "
                               "network between the GPUs does not work (NCCL_DEBUG=INFO says "
                               "more)");
            }
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
    }
};

struct Operation {
    Communicator* communicator = nullptr;
    void* ready = nullptr;  ///< the producer's work is done
    void* done = nullptr;   ///< the sum stands in the buffer

    Operation() = default;
    ~Operation() {
        event_destroy(ready);
        event_destroy(done);
    }
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    Operation(Operation&&) = delete;
    Operation& operator=(Operation&&) = delete;
};

}  // namespace

int nccl_versions(int* built, int* loaded) {
    *built = NCCL_VERSION_CODE;
    const ncclResult_t result = ncclGetVersion(loaded);
    return result == ncclSuccess
               ? 0
               : fail(std::string("ncclGetVersion: ") + ncclGetErrorString(result));
}

int nccl_unique_id(unsigned char* id) {
    ncclUniqueId made;
    const ncclResult_t result = ncclGetUniqueId(&made);
    if (result != ncclSuccess) {
        return fail(std::string("ncclGetUniqueId: ") + ncclGetErrorString(result));
    }
    std::memcpy(id, &made, sizeof(made));
    return 0;
}

int nccl_create(const device::CudaNcclOptions* options, void** communicator) {
    auto made = std::make_unique<Communicator>();
    made->timeout = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(options->timeout_seconds));
    if (status_of(cudaGetDevice(&made->device), "cudaGetDevice") != 0 ||
        stream_create(&made->stream) != 0) {
        return 1;
    }
    ncclUniqueId id;
    std::memcpy(&id, options->id, sizeof(id));
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    const ncclResult_t result =
        ncclCommInitRankConfig(&made->handle, options->ranks, id, options->rank, &config);
    if (made->check(result, "ncclCommInitRankConfig") != 0 ||
        made->settle("ncclCommInitRankConfig") != 0) {
        return 1;
    }
    *communicator = made.release();
    return 0;
}

void nccl_destroy(void* communicator) { delete static_cast<Communicator*>(communicator); }

int nccl_start(void* communicator, float* values, std::size_t count, void** operation) {
    auto* comm = static_cast<Communicator*>(communicator);
    if (comm->handle == nullptr) {
        return fail("the NCCL communicator was aborted after an earlier failure");
    }
    // A new thread's current device is 0, whatever the rank's is: its events and its LibTorch
    // stream would be another GPU's.
    if (select_device(comm->device) != 0) {
        return 1;
    }
    auto made = std::make_unique<Operation>();
    made->communicator = comm;
    void* producer = c10::cuda::getCurrentCUDAStream().stream();
    if (event_create(&made->ready) != 0 || event_create(&made->done) != 0 ||
        event_record(made->ready, producer) != 0 ||
        stream_wait_event(comm->stream, made->ready) != 0) {
        return 1;
    }
    const ncclResult_t result =
        ncclAllReduce(values, values, count, ncclFloat32, ncclSum, comm->handle,
                      static_cast<cudaStream_t>(comm->stream));
    if (comm->check(result, "ncclAllReduce") != 0 || comm->settle("ncclAllReduce") != 0 ||
        event_record(made->done, comm->stream) != 0) {
        return 1;
    }
    *operation = made.release();
    return 0;
}

int nccl_poll(void* operation, int* done) {
    const auto* ours = static_cast<const Operation*>(operation);
    Communicator& comm = *ours->communicator;
    *done = 0;
    if (comm.handle == nullptr) {
        return fail("the NCCL communicator was aborted after an earlier failure");
    }
    if (select_device(comm.device) != 0 || event_query(ours->done, done) != 0) {
        return 1;
    }
    ncclResult_t state = ncclSuccess;
    const ncclResult_t asked = ncclCommGetAsyncError(comm.handle, &state);
    return comm.check(asked != ncclSuccess ? asked : state, "NCCL");
}

void nccl_release(void* operation) { delete static_cast<Operation*>(operation); }

}  // namespace hpml::cuda
