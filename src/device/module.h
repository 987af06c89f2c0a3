#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/units.h"
#include "device/cuda_api.h"
#include "device/stream.h"

namespace hpml::device {

/// libhpml_cuda.so, opened. It is never closed: the operators that LibTorch registered from it
/// must stay for the life of the process.
class CudaModule {
  public:
    /// Open the module of `path`, whether or not there is a GPU. Do it before the first tensor is
    /// made. Local.
    /// @throw ResourceError if it is absent, needs a missing library, is of another build, or
    /// found an NCCL of another major version than it was built with
    explicit CudaModule(const std::filesystem::path& path);
    /// An interface that is there already. It must outlive every copy.
    /// @throw ResourceError if it is of another build, or its NCCL is
    explicit CudaModule(const CudaApi& api);

    [[nodiscard]] const CudaApi& api() const noexcept { return *api_; }
    [[nodiscard]] std::string description() const { return api_->description(); }
    /// @throw ResourceError naming what the driver said
    [[nodiscard]] int device_count() const;
    /// Make `device` this process's current one. @throw ResourceError
    void select(int device) const;
    [[nodiscard]] std::string device_identity(int device) const;
    /// A stream of the current device. @throw BackendError
    [[nodiscard]] std::unique_ptr<Stream> make_stream() const;

    /// Turn a function's failure into an exception that says what was tried.
    /// @throw BackendError
    void check(int status, const char* what) const;

  private:
    void expect_version(const std::string& name) const;
    void expect_nccl(const std::string& name) const;

    const CudaApi* api_ = nullptr;
};

/// Where the module is looked for: $HPML_CUDA_MODULE, else ../lib/libhpml_cuda.so beside the
/// executable's folder.
[[nodiscard]] std::filesystem::path cuda_module_path();

/// What `--device cuda` does first: find the module, a driver and at least one GPU. Local.
/// @throw ResourceError that says which of them is missing and what to do
[[nodiscard]] CudaModule open_cuda();

/// What `--device auto` asks first: whether there is a driver at all. Local, opens nothing that
/// stays.
[[nodiscard]] bool has_cuda_driver();

}  // namespace hpml::device
