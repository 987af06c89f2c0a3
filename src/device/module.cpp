#include "device/module.h"

#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <system_error>

#include "base/error.h"

namespace hpml::device {

namespace {

namespace fs = std::filesystem;

constexpr const char* kAdvice = "use --device cpu";

struct NcclVersion {
    int major = 0;
    std::string text;
};

/// NCCL's code is X * 10000 + Y * 100 + Z; before 2.9 it was X * 1000 + Y * 100 + Z.
NcclVersion nccl_version(int code) {
    const int unit = code < 10000 ? 1000 : 10000;
    return {code / unit, std::to_string(code / unit) + "." + std::to_string(code % unit / 100) +
                             "." + std::to_string(code % 100)};
}

/// dlopen says "libNAME.so.1: cannot open shared object file: ..." of a library that is missing.
[[noreturn]] void refuse_to_load(const fs::path& path, const std::string& message) {
    const auto colon = message.find(':');
    const bool missing = message.find("cannot open shared object file") != std::string::npos;
    if (missing && colon != std::string::npos) {
        throw ResourceError("--device cuda: " + path.string() + " needs " +
                            message.substr(0, colon) +
                            ", which is missing; load the CUDA module that it was built with (or "
                            "add the library's folder to LD_LIBRARY_PATH), or " +
                            kAdvice);
    }
    throw ResourceError("--device cuda: cannot load " + path.string() + " (" + message +
                        "); build it anew with -DHPML_CUDA=ON, or " + kAdvice);
}

}  // namespace

CudaModule::CudaModule(const fs::path& path) {
    std::error_code ignored;
    if (!fs::exists(path, ignored)) {
        throw ResourceError("--device cuda: the GPU module was not built (" + path.string() +
                            " does not exist); configure with -DHPML_CUDA=ON where nvcc and NCCL "
                            "are, or " +
                            kAdvice);
    }
    // Global: LibTorch's own libraries look for each other's symbols.
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (library == nullptr) {
        const char* message = dlerror();
        refuse_to_load(path, message != nullptr ? message : "no reason given");
    }
    const auto entry = reinterpret_cast<CudaApiEntry>(dlsym(library, kCudaApiEntryName));
    if (entry == nullptr) {
        throw ResourceError("--device cuda: " + path.string() +
                            " is not a GPU module of hpml; check $HPML_CUDA_MODULE, or " + kAdvice);
    }
    api_ = entry();
    expect_version(path.string());
    expect_nccl(path.string());
}

CudaModule::CudaModule(const CudaApi& api) : api_(&api) {
    expect_version("the GPU interface");
    expect_nccl("the GPU interface");
}

void CudaModule::expect_version(const std::string& name) const {
    if (api_->version != kCudaApiVersion || api_->bytes != sizeof(CudaApi)) {
        throw ResourceError("--device cuda: " + name + " has interface version " +
                            std::to_string(api_->version) + " (this program needs " +
                            std::to_string(kCudaApiVersion) +
                            "); install program and module from one build, or " + kAdvice);
    }
}

void CudaModule::expect_nccl(const std::string& name) const {
    int built = 0;
    int loaded = 0;
    if (api_->nccl_versions(&built, &loaded) != 0) {
        throw ResourceError(
            "--device cuda: NCCL does not tell its version: " + std::string(api_->last_error()) +
            "; check libnccl.so.2, or " + kAdvice);
    }
    if (nccl_version(built).major != nccl_version(loaded).major) {
        throw ResourceError("--device cuda: " + name + " was built with NCCL " +
                            nccl_version(built).text + " and found NCCL " +
                            nccl_version(loaded).text +
                            " (their interfaces differ); put the NCCL that it was built with first "
                            "in LD_LIBRARY_PATH, build it anew with -DHPML_CUDA=ON, or " +
                            kAdvice);
    }
}

void CudaModule::check(int status, const char* what) const {
    if (status != 0) {
        throw BackendError(std::string(what) + " failed: " + api_->last_error());
    }
}

int CudaModule::device_count() const {
    int count = 0;
    if (api_->device_count(&count) != 0) {
        throw ResourceError(std::string("--device cuda: ") + api_->last_error() +
                            "; run on a GPU node, or " + kAdvice);
    }
    return count;
}

void CudaModule::select(int device) const {
    if (api_->select_device(device) != 0) {
        throw ResourceError("--device cuda: GPU " + std::to_string(device) + " cannot be used: " +
                            api_->last_error() + "; start one rank per GPU, or " + kAdvice);
    }
}

std::string CudaModule::device_identity(int device) const {
    std::array<char, 64> text{};
    check(api_->device_identity(device, text.data(), text.size()), "asking for a GPU's identity");
    return text.data();
}

fs::path cuda_module_path() {
    if (const char* chosen = std::getenv("HPML_CUDA_MODULE");
        chosen != nullptr && *chosen != '\0') {
        return chosen;
    }
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    return program.parent_path().parent_path() / "lib" / "libhpml_cuda.so";
}

bool has_cuda_driver() {
    void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (driver == nullptr) {
        return false;
    }
    dlclose(driver);
    return true;
}

CudaModule open_cuda() {
    if (!has_cuda_driver()) {
        throw ResourceError(std::string("--device cuda: no NVIDIA driver on this machine "
                                        "(libcuda.so.1 not found); run on a GPU node, or ") +
                            kAdvice);
    }
    CudaModule module(cuda_module_path());
    if (module.device_count() == 0) {
        throw ResourceError(std::string("--device cuda: the driver shows no GPU to this process; "
                                        "ask the batch system for one (--gpus-per-node) and check "
                                        "CUDA_VISIBLE_DEVICES, or ") +
                            kAdvice);
    }
    return module;
}

}  // namespace hpml::device
