#pragma once

#include <cstddef>
#include <span>

#include "base/file.h"

namespace hpml {

/// A file's bytes as memory, read-only, with one owner; the file need not stay open. They are read
/// from the disk when they are touched, a page at a time and nothing ahead: for reading here and
/// there. Touching what can no longer be read, because the disk fails or somebody has cut the file
/// short, ends the process by SIGBUS: check and hash a file first.
class MappedFile {
  public:
    /// @throw IoError
    explicit MappedFile(const InputFile& file);
    ~MappedFile();
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    /// All of the file, as long as it was at construction.
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

  private:
    std::span<std::byte> bytes_;
};

}  // namespace hpml
