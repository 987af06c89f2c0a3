#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/units.h"

namespace hpml {

/// A POSIX file descriptor with one owner.
class FileHandle {
  public:
    FileHandle() = default;
    explicit FileHandle(int descriptor) : descriptor_(descriptor) {}
    ~FileHandle();
    FileHandle(FileHandle&& other) noexcept;
    FileHandle& operator=(FileHandle&& other) noexcept;
    FileHandle(const FileHandle&) = delete;
    FileHandle& operator=(const FileHandle&) = delete;

    [[nodiscard]] int get() const noexcept { return descriptor_; }
    [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
    /// Close and report: the last moment at which a network file system tells of a failed write.
    /// @return errno, 0 on success
    [[nodiscard]] int close() noexcept;

  private:
    int descriptor_ = -1;
};

/// A file read from front to back or at positions.
class InputFile {
  public:
    /// @throw MissingInputError if it cannot be opened or is a directory
    explicit InputFile(const std::filesystem::path& path);

    /// Fill `bytes` from the current position. @return bytes read; less than asked only at the end
    /// @throw IoError
    [[nodiscard]] std::size_t read(std::span<std::byte> bytes);
    /// Go on at `offset` with the next `read`. @throw IoError for what has no positions
    void seek(std::uint64_t offset);
    /// Fill `bytes` exactly from `offset`. @throw IoError, InputError if the file ends before
    void read_at(std::uint64_t offset, std::span<std::byte> bytes) const;
    [[nodiscard]] Bytes size() const;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] int descriptor() const noexcept { return handle_.get(); }

  private:
    std::filesystem::path path_;
    FileHandle handle_;
};

/// Whether a file must outlive a crash of the machine. Scratch that is made anew then need not, and
/// waiting for the disk can take longer than all the rest.
enum class Sync { Disk, Skip };

/// A file written under a temporary name beside its own, synced and renamed into place by
/// `publish()`. If that never happens the temporary file is removed: the old content, if any,
/// stays.
class AtomicFile {
  public:
    /// @throw OutputError if the temporary file cannot be created
    explicit AtomicFile(const std::filesystem::path& path);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;
    AtomicFile(AtomicFile&&) = delete;
    AtomicFile& operator=(AtomicFile&&) = delete;

    /// Append. Short writes and EINTR are carried through. @throw IoError naming errno
    void write(std::span<const std::byte> bytes);
    void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
    /// fsync, rename, fsync the folder. @throw IoError
    void publish(Sync sync = Sync::Disk);
    /// Hash and size of what has been written so far.
    [[nodiscard]] Digest digest() const { return hasher_.digest(); }
    [[nodiscard]] Bytes size() const noexcept { return size_; }

  private:
    std::filesystem::path path_;
    std::filesystem::path temporary_;
    FileHandle handle_;
    Hasher hasher_;
    Bytes size_;
    bool published_ = false;
};

/// Whole small file as text. @throw MissingInputError; InputError if longer than `limit`
[[nodiscard]] std::string read_text(const std::filesystem::path& path, Bytes limit = mib(64));
/// Write, sync, rename. @throw OutputError, IoError
void write_text_atomically(const std::filesystem::path& path, std::string_view text);
/// Write all bytes at the descriptor's position. @throw IoError naming `path` and errno
void write_all(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path);
/// fsync a folder, so that a rename in it survives a power loss. @throw IoError
void sync_folder(const std::filesystem::path& folder);
/// Make a folder and its parents. @throw OutputError
void make_folders(const std::filesystem::path& folder);
/// Free bytes for this user on the file system that holds `path`. @throw IoError
[[nodiscard]] Bytes free_space(const std::filesystem::path& path);

}  // namespace hpml
