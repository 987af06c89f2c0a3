#include "device/cuda_api.h"

namespace {

hpml::device::CudaApi made_by_another_build() {
    hpml::device::CudaApi api{};
    api.version = hpml::device::kCudaApiVersion + 41;
    api.bytes = sizeof(api);
    return api;
}

}  // namespace

extern "C" const hpml::device::CudaApi* hpml_cuda_api() {
    static const hpml::device::CudaApi api = made_by_another_build();
    return &api;
}
