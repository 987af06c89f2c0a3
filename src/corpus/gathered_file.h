#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "base/file.h"

namespace hpml::corpus {

/// An AtomicFile for many small pieces of bytes: they are gathered, so that each does not cost a
/// system call.
class GatheredFile {
  public:
    /// @throw OutputError
    explicit GatheredFile(const std::filesystem::path& path) : file_(path) {
        buffer_.reserve(2 * kBuffer);
    }
    /// @throw IoError
    void write(std::span<const std::byte> bytes) {
        buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
        if (buffer_.size() >= kBuffer) {
            flush();
        }
    }
    /// @return the hash of the file @throw IoError
    [[nodiscard]] Digest publish(Sync sync = Sync::Disk) {
        flush();
        file_.publish(sync);
        return file_.digest();
    }

  private:
    static constexpr std::size_t kBuffer = std::size_t{1} << 20;

    void flush() {
        file_.write(buffer_);
        buffer_.clear();
    }

    AtomicFile file_;
    std::vector<std::byte> buffer_;
};

}  // namespace hpml::corpus
