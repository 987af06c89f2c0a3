#include "checkpoint/shared_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/patience.h"

namespace hpml::checkpoint {

namespace fs = std::filesystem;

namespace {

constexpr auto kXfs = 0x58465342;  // not in linux/magic.h before 5.14

/// On a network file system another process's new folder can be seen a little late.
FileHandle open_shared(const fs::path& path) {
    Patience patience(Seconds(2.55));
    for (;;) {
        FileHandle handle(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
        if (handle.is_open()) {
            return handle;
        }
        const int failure = errno;
        if (failure != ENOENT || !patience.wait()) {
            throw IoError("cannot create " + path.string() + ": " + errno_text(failure));
        }
    }
}

bool is_local(const FileHandle& file) {
    struct statfs of = {};
    if (::fstatfs(file.get(), &of) != 0) {
        return false;
    }
    const auto type = static_cast<std::uint32_t>(of.f_type);
    return type == EXT4_SUPER_MAGIC || type == kXfs || type == OVERLAYFS_SUPER_MAGIC;
}

}  // namespace

SharedFile::SharedFile(fs::path path) : path_(std::move(path)), cached_(open_shared(path_)) {
    if (is_local(cached_)) {
        // Where this fails the other way is left.
        direct_ = FileHandle(::open(path_.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
    }
}

bool SharedFile::goes_direct(std::uint64_t offset, std::span<const std::byte> bytes) const {
    return direct_.is_open() && bytes.size() >= kAlignment && offset % kAlignment == 0 &&
           reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlignment == 0;
}

void SharedFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const bool direct = goes_direct(offset, bytes);
        const std::size_t most = direct ? bytes.size() / kAlignment * kAlignment : bytes.size();
        const ssize_t wrote = ::pwrite(direct ? direct_.get() : cached_.get(), bytes.data(), most,
                                       static_cast<off_t>(offset));
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0 && errno == EINVAL && direct) {
            direct_ = FileHandle();  // the device wants another alignment
            continue;
        }
        if (wrote < 0) {
            throw IoError("writing " + path_.string() + " failed: " + errno_text(errno));
        }
        bytes = bytes.subspan(static_cast<std::size_t>(wrote));
        offset += static_cast<std::uint64_t>(wrote);
    }
}

void SharedFile::begin_writing_back(std::uint64_t offset, std::uint64_t size) const noexcept {
    // Whether the file system can is its own matter.
    (void)::sync_file_range(cached_.get(), static_cast<off_t>(offset), static_cast<off_t>(size),
                            SYNC_FILE_RANGE_WRITE);
}

void SharedFile::finish() {
    direct_ = FileHandle();
    if (::fsync(cached_.get()) != 0) {
        throw IoError("cannot sync " + path_.string() + ": " + errno_text(errno));
    }
    if (const int failure = cached_.close()) {
        throw IoError("cannot close " + path_.string() + ": " + errno_text(failure));
    }
}

}  // namespace hpml::checkpoint
