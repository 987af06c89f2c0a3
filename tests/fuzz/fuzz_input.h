#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>

namespace hpml::test {

/// The bytes of one fuzzed input as a file in memory, for code that takes a path.
class FuzzFile {
  public:
    explicit FuzzFile(std::span<const std::uint8_t> bytes)
        : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
        const auto size = static_cast<ssize_t>(bytes.size());
        if (descriptor_ < 0 || ::write(descriptor_, bytes.data(), bytes.size()) != size) {
            std::abort();
        }
    }
    ~FuzzFile() { ::close(descriptor_); }
    FuzzFile(const FuzzFile&) = delete;
    FuzzFile& operator=(const FuzzFile&) = delete;
    FuzzFile(FuzzFile&&) = delete;
    FuzzFile& operator=(FuzzFile&&) = delete;

    [[nodiscard]] std::filesystem::path path() const {
        return "/proc/self/fd/" + std::to_string(descriptor_);
    }

  private:
    int descriptor_;
};

}  // namespace hpml::test
