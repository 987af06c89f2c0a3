#pragma once

#include <string>

/// Inside the GPU module only: how a failed call reaches `last_error()`.
namespace hpml::cuda {

/// The last failure's text of this thread. The module's functions are plain C and cannot throw, so
/// the text waits here, as CUDA's own last error does.
std::string& failure_text() noexcept;

/// Keep the text. @return 1, the status of a failure
int fail(std::string text) noexcept;

/// @return 0 for cudaSuccess, else 1 after keeping CUDA's own words
int status_of(int cuda_error, const char* call) noexcept;

}  // namespace hpml::cuda
