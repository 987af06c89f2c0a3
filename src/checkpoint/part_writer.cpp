#include "checkpoint/part_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <new>
#include <utility>

#include "base/error.h"
#include "checkpoint/finite.h"

namespace hpml::checkpoint {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBlock = std::size_t{4} << 20U;
constexpr std::align_val_t kPage{4096};

struct FreeBlock {
    void operator()(std::byte* block) const noexcept { ::operator delete(block, kPage); }
};

/// On a network file system another process's new folder can be seen a little late.
FileHandle open_shared(const fs::path& path) {
    useconds_t wait = 10'000;
    for (int attempt = 0;; ++attempt, wait *= 2) {
        FileHandle handle(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
        if (handle.is_open()) {
            return handle;
        }
        if (errno != ENOENT || attempt == 8) {
            throw IoError("cannot create " + path.string() + ": " + errno_text(errno));
        }
        ::usleep(wait);
    }
}

void write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes,
              const fs::path& path) {
    while (!bytes.empty()) {
        const ssize_t wrote =
            ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            throw IoError("writing " + path.string() + " failed: " + errno_text(errno));
        }
        bytes = bytes.subspan(static_cast<std::size_t>(wrote));
        offset += static_cast<std::uint64_t>(wrote);
    }
}

void require_finite(const PartReader::Block& block, const fs::path& path) {
    for (const Source& source : block.numbers) {
        if (!is_finite(source)) {
            throw DivergedError(path.string() + " is not written: '" + std::string(source.name) +
                                "' holds NaN or infinity (a run could not go on from it); the "
                                "older checkpoints stay, lower the learning rate and start again");
        }
    }
}

/// Ends a hold() in waiting, whatever happens.
class StopAtEnd {
  public:
    explicit StopAtEnd(PartReader& reader) : reader_(reader) {}
    ~StopAtEnd() { reader_.stop(); }
    StopAtEnd(const StopAtEnd&) = delete;
    StopAtEnd& operator=(const StopAtEnd&) = delete;
    StopAtEnd(StopAtEnd&&) = delete;
    StopAtEnd& operator=(StopAtEnd&&) = delete;

  private:
    PartReader& reader_;
};

}  // namespace

PartWriter::PartWriter(fs::path folder, const std::vector<FileImage>& images) {
    for (const FileImage& image : images) {
        outputs_.push_back({folder / image.name(), FileHandle()});
    }
}

int PartWriter::descriptor(std::size_t file) {
    Output& output = outputs_.at(file);
    if (!output.handle.is_open()) {
        output.handle = open_shared(output.path);
    }
    return output.handle.get();
}

std::vector<Digest> PartWriter::write(PartReader& reader, const std::vector<PieceTask>& tasks,
                                      const std::function<void()>& at_piece) {
    const StopAtEnd stop(reader);
    const std::unique_ptr<std::byte, FreeBlock> memory(
        static_cast<std::byte*>(::operator new(kBlock, kPage)));
    const std::span<std::byte> block(memory.get(), kBlock);
    std::vector<Digest> digests;
    Hasher hasher;
    while (true) {
        const PartReader::Block next = reader.next(block);
        if (next.size == 0) {
            break;
        }
        const PieceTask& task = tasks.at(next.task);
        const fs::path& path = outputs_.at(task.file).path;
        require_finite(next, path);
        hasher.update(block.first(next.size));
        write_at(descriptor(task.file), next.offset, block.first(next.size), path);
        if (next.ends_piece) {
            digests.push_back(hasher.digest());
            hasher = Hasher();
            // The disk begins now, not at the end; whether it can is its own matter.
            (void)::sync_file_range(descriptor(task.file), static_cast<off_t>(task.range.begin),
                                    static_cast<off_t>(task.range.size()), SYNC_FILE_RANGE_WRITE);
            at_piece();
        }
    }
    finish();
    return digests;
}

void PartWriter::finish() {
    for (Output& output : outputs_) {
        if (!output.handle.is_open()) {
            continue;
        }
        if (::fsync(output.handle.get()) != 0) {
            throw IoError("cannot sync " + output.path.string() + ": " + errno_text(errno));
        }
        if (const int failure = output.handle.close()) {
            throw IoError("cannot close " + output.path.string() + ": " + errno_text(failure));
        }
    }
}

}  // namespace hpml::checkpoint
