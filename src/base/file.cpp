#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"

namespace hpml {

namespace fs = std::filesystem;

FileHandle::~FileHandle() { (void)close(); }

FileHandle::FileHandle(FileHandle&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

int FileHandle::close() noexcept {
    if (descriptor_ < 0) {
        return 0;
    }
    return ::close(std::exchange(descriptor_, -1)) == 0 ? 0 : errno;
}

InputFile::InputFile(const fs::path& path)
    : path_(path), handle_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (!handle_.is_open()) {
        throw MissingInputError("cannot read " + path.string() + ": " + errno_text(errno));
    }
    struct stat status {};
    if (::fstat(handle_.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
        throw MissingInputError("cannot read " + path.string() +
                                ": it is a folder, a file is needed");
    }
}

std::size_t InputFile::read(std::span<std::byte> bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = ::read(handle_.get(), bytes.data() + done, bytes.size() - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            throw IoError("reading " + path_.string() + " failed: " + errno_text(errno));
        }
        if (got == 0) {
            break;
        }
        done += static_cast<std::size_t>(got);
    }
    return done;
}

void InputFile::seek(std::uint64_t offset) {
    if (::lseek(handle_.get(), static_cast<off_t>(offset), SEEK_SET) < 0) {
        throw IoError("going to byte " + std::to_string(offset) + " of " + path_.string() +
                      " failed: " + errno_text(errno));
    }
}

void InputFile::read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = ::pread(handle_.get(), bytes.data() + done, bytes.size() - done,
                                    static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            throw IoError("reading " + path_.string() + " failed: " + errno_text(errno));
        }
        if (got == 0) {
            throw InputError(path_.string() + " ends at byte " + std::to_string(offset + done) +
                             " (it is truncated); make it again or take it from a backup");
        }
        done += static_cast<std::size_t>(got);
    }
}

Bytes InputFile::size() const {
    struct stat status {};
    if (::fstat(handle_.get(), &status) != 0) {
        throw IoError("cannot get the size of " + path_.string() + ": " + errno_text(errno));
    }
    return Bytes(static_cast<std::uint64_t>(status.st_size));
}

AtomicFile::AtomicFile(const fs::path& path)
    : path_(path), temporary_(path.string() + ".tmp-" + std::to_string(::getpid())) {
    handle_ =
        FileHandle(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!handle_.is_open()) {
        throw OutputError("cannot create " + temporary_.string() + ": " + errno_text(errno));
    }
}

AtomicFile::~AtomicFile() {
    if (!published_) {
        (void)handle_.close();
        ::unlink(temporary_.c_str());
    }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
    write_all(handle_.get(), bytes, temporary_);
    hasher_.update(bytes);
    size_ += Bytes(bytes.size());
}

void AtomicFile::publish(Sync sync) {
    if (sync == Sync::Disk && ::fsync(handle_.get()) != 0) {
        throw IoError("cannot sync " + temporary_.string() + ": " + errno_text(errno));
    }
    if (const int failure = handle_.close()) {
        throw IoError("cannot close " + temporary_.string() + ": " + errno_text(failure));
    }
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
        throw IoError("cannot rename " + temporary_.string() + " to " + path_.string() + ": " +
                      errno_text(errno));
    }
    published_ = true;
    if (sync == Sync::Disk) {
        sync_folder(path_.has_parent_path() ? path_.parent_path() : fs::path("."));
    }
}

std::string read_text(const fs::path& path, Bytes limit) {
    InputFile file(path);
    const Bytes size = file.size();
    if (size > limit) {
        throw InputError(path.string() + " has " + std::to_string(size.value) + " bytes (at most " +
                         std::to_string(limit.value) + " make sense for this kind of file)");
    }
    std::string text;
    std::string piece(1 << 16, '\0');
    while (const std::size_t got =
               file.read(std::as_writable_bytes(std::span(piece.data(), piece.size())))) {
        text.append(piece, 0, got);
    }
    return text;
}

void write_text_atomically(const fs::path& path, std::string_view text) {
    AtomicFile file(path);
    file.write(text);
    file.publish();
}

void write_all(int descriptor, std::span<const std::byte> bytes, const fs::path& path) {
    while (!bytes.empty()) {
        const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            throw IoError("writing " + path.string() + " failed: " + errno_text(errno));
        }
        bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    }
}

void sync_folder(const fs::path& folder) {
    const FileHandle handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!handle.is_open() || ::fsync(handle.get()) != 0) {
        throw IoError("cannot sync folder " + folder.string() + ": " + errno_text(errno));
    }
}

void make_folders(const fs::path& folder) {
    std::error_code failure;
    fs::create_directories(folder, failure);
    if (failure || !fs::is_directory(folder)) {
        throw OutputError("cannot make folder " + folder.string() + ": " +
                          (failure ? failure.message() : std::string("a file is in its place")));
    }
}

Bytes free_space(const fs::path& path) {
    struct statvfs status {};
    if (::statvfs(path.c_str(), &status) != 0) {
        throw IoError("cannot ask the free space of " + path.string() + ": " + errno_text(errno));
    }
    return Bytes(std::uint64_t{status.f_bavail} * status.f_frsize);
}

}  // namespace hpml
