#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "base/file.h"

namespace hpml::checkpoint {

/// A file that several processes write, each its own stretches.
///
/// On a local file system whole pages go straight to the device (O_DIRECT): the copy into the page
/// cache takes a core that computes, and pushes out shards that the loader will want again, for
/// bytes that nobody reads soon. On network file systems it is the cache that keeps several
/// requests on the way, and all goes through it.
class SharedFile {
  public:
    /// @throw IoError if it cannot be made
    explicit SharedFile(std::filesystem::path path);

    /// What is aligned to kAlignment in memory and in the file goes the short way.
    /// @throw IoError naming file and reason
    void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
    /// Let the disk begin with what of this stretch is in the page cache, not at the end.
    void begin_writing_back(std::uint64_t offset, std::uint64_t size) const noexcept;
    /// fsync and close. @throw IoError
    void finish();

    /// The largest page of the processors that we know, so that what goes straight to the device
    /// and what goes through the cache never share a page; a multiple of all devices' blocks.
    static constexpr std::size_t kAlignment = std::size_t{64} << 10U;

  private:
    [[nodiscard]] bool goes_direct(std::uint64_t offset, std::span<const std::byte> bytes) const;

    std::filesystem::path path_;
    FileHandle cached_;
    FileHandle direct_;  ///< closed where there is no such way
};

}  // namespace hpml::checkpoint
