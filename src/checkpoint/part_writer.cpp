#include "checkpoint/part_writer.h"

#include <new>
#include <string>
#include <utility>

#include "base/error.h"
#include "checkpoint/finite.h"

namespace hpml::checkpoint {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBlock = std::size_t{4} << 20U;
constexpr std::align_val_t kPage{SharedFile::kAlignment};

struct FreeBlock {
    void operator()(std::byte* block) const noexcept { ::operator delete(block, kPage); }
};

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

PartWriter::PartWriter(const fs::path& folder, const std::vector<FileImage>& images) {
    for (const FileImage& image : images) {
        outputs_.push_back({folder / image.name(), nullptr});
    }
}

SharedFile& PartWriter::file(std::size_t index) {
    Output& output = outputs_.at(index);
    if (!output.file) {
        output.file = std::make_unique<SharedFile>(output.path);
    }
    return *output.file;
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
        file(task.file).write_at(next.offset, block.first(next.size));
        if (next.ends_piece) {
            digests.push_back(hasher.digest());
            hasher = Hasher();
            file(task.file).begin_writing_back(task.range.begin, task.range.size());
            at_piece();
        }
    }
    for (const Output& output : outputs_) {
        if (output.file) {
            output.file->finish();
        }
    }
    return digests;
}

}  // namespace hpml::checkpoint
