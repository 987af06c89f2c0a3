#include <cuda_runtime.h>

#include "device/cuda/failure.h"
#include "device/cuda/runtime.h"

namespace hpml::cuda {

namespace {

using device::CudaGradientCheck;

constexpr int kThreads = 256;
constexpr int kBlocks = 512;

/// Sum the block's parts in a fixed tree; thread 0 holds the result.
__device__ CudaGradientCheck sum_over_block(CudaGradientCheck part) {
    __shared__ double squares[kThreads];
    __shared__ unsigned long long bad[kThreads];
    squares[threadIdx.x] = part.sum_of_squares;
    bad[threadIdx.x] = part.not_finite;
    __syncthreads();
    for (unsigned int half = kThreads / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            squares[threadIdx.x] += squares[threadIdx.x + half];
            bad[threadIdx.x] += bad[threadIdx.x + half];
        }
        __syncthreads();
    }
    CudaGradientCheck sum;
    sum.sum_of_squares = squares[0];
    sum.not_finite = bad[0];
    return sum;
}

/// Which element a thread takes depends on the launch shape alone, which is fixed: the same bits in
/// every run.
__global__ void scale_kernel(float* values, std::size_t count, float scale,
                             CudaGradientCheck* parts) {
    CudaGradientCheck own;
    const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
    for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
         i += stride) {
        const float value = values[i] * scale;
        values[i] = value;
        if (isfinite(value)) {
            own.sum_of_squares += static_cast<double>(value) * static_cast<double>(value);
        } else {
            ++own.not_finite;
        }
    }
    const CudaGradientCheck sum = sum_over_block(own);
    if (threadIdx.x == 0) {
        parts[blockIdx.x] = sum;
    }
}

__global__ void total_kernel(const CudaGradientCheck* parts, CudaGradientCheck* total) {
    CudaGradientCheck own;
    for (int i = static_cast<int>(threadIdx.x); i < kBlocks; i += kThreads) {
        own.sum_of_squares += parts[i].sum_of_squares;
        own.not_finite += parts[i].not_finite;
    }
    const CudaGradientCheck sum = sum_over_block(own);
    if (threadIdx.x == 0) {
        *total = sum;
    }
}

}  // namespace

int scale_and_check(float* values, std::size_t count, float scale, CudaGradientCheck* check,
                    void* stream_handle) {
    const auto stream = static_cast<cudaStream_t>(stream_handle);
    CudaGradientCheck* parts = nullptr;
    if (status_of(cudaMallocAsync(&parts, (kBlocks + 1) * sizeof(*parts), stream),
                  "cudaMallocAsync") != 0) {
        return 1;
    }
    CudaGradientCheck* total = parts + kBlocks;
    scale_kernel<<<kBlocks, kThreads, 0, stream>>>(values, count, scale, parts);
    total_kernel<<<1, kThreads, 0, stream>>>(parts, total);
    int status = status_of(cudaGetLastError(), "scale_and_check");
    if (status == 0) {
        status =
            status_of(cudaMemcpyAsync(check, total, sizeof(*total), cudaMemcpyDeviceToHost, stream),
                      "cudaMemcpyAsync");
    }
    const int freed = status_of(cudaFreeAsync(parts, stream), "cudaFreeAsync");
    const int waited = status_of(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
    return status | freed | waited;
}

}  // namespace hpml::cuda
