#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace hpml::text {

/// Bytes of a file on disk, from `begin` to before `end`.
struct FilePart {
    std::uint64_t begin = 0;
    std::uint64_t end = UINT64_MAX;

    friend bool operator==(const FilePart&, const FilePart&) = default;
};

/// How a file is packed.
enum class Compression { None, Gzip, Bzip2 };

/// The unpacked bytes of a file, front to back with buffers of fixed size.
class ByteSource {
  public:
    virtual ~ByteSource() = default;
    ByteSource(const ByteSource&) = delete;
    ByteSource& operator=(const ByteSource&) = delete;
    ByteSource(ByteSource&&) = delete;
    ByteSource& operator=(ByteSource&&) = delete;

    /// Put the next bytes at the front of `bytes`, which is not empty. @return how many; 0 only at
    /// the end
    /// @throw InputError naming file and offset where it is damaged or cut short; IoError
    [[nodiscard]] virtual std::size_t read(std::span<char> bytes) = 0;
    /// Up to which byte the file on disk has been taken, for messages.
    [[nodiscard]] virtual std::uint64_t offset() const = 0;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  protected:
    explicit ByteSource(std::filesystem::path path) : path_(std::move(path)) {}
    /// @throw InputError "PATH, byte N: WHAT"
    [[noreturn]] void refuse(std::uint64_t offset, const std::string& what) const;

  private:
    std::filesystem::path path_;
};

/// By the first bytes. @throw MissingInputError, IoError
[[nodiscard]] Compression compression_of(const std::filesystem::path& path);
/// A whole file, unpacked by what its first bytes say: gzip of any number of members, bzip2 of any
/// number of streams, else as it is.
/// @throw MissingInputError
[[nodiscard]] std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);
/// A part of a file as it is. @throw MissingInputError
[[nodiscard]] std::unique_ptr<ByteSource> open_plain(const std::filesystem::path& path,
                                                     FilePart part);

}  // namespace hpml::text
