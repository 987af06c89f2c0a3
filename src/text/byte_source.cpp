#include "text/byte_source.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "text/bzip2_blocks.h"
#include "text/gzip_source.h"

namespace hpml::text {

namespace fs = std::filesystem;

namespace {

class PlainSource final : public ByteSource {
  public:
    PlainSource(const fs::path& path, FilePart part)
        : ByteSource(path), file_(path), at_(part.begin), end_(part.end) {
        if (at_ > 0) {
            file_.seek(at_);
        }
    }

    [[nodiscard]] std::size_t read(std::span<char> bytes) override {
        const std::size_t wanted = std::min<std::uint64_t>(bytes.size(), end_ - at_);
        const std::size_t got = file_.read(std::as_writable_bytes(bytes.first(wanted)));
        at_ += got;
        return got;
    }
    [[nodiscard]] std::uint64_t offset() const override { return at_; }

  private:
    InputFile file_;
    std::uint64_t at_;
    std::uint64_t end_;
};

}  // namespace

void ByteSource::refuse(std::uint64_t offset, const std::string& what) const {
    throw InputError(path_.string() + ", byte " + std::to_string(offset) + ": " + what);
}

Compression compression_of(const fs::path& path) {
    std::array<char, 3> bytes{};
    InputFile file(path);
    const std::size_t size = file.read(std::as_writable_bytes(std::span(bytes)));
    const std::string_view head(bytes.data(), size);
    if (head.starts_with("\x1F\x8B")) {
        return Compression::Gzip;
    }
    return head == "BZh" ? Compression::Bzip2 : Compression::None;
}

std::unique_ptr<ByteSource> open_bytes(const fs::path& path) {
    switch (compression_of(path)) {
        case Compression::Gzip:
            return std::make_unique<GzipSource>(path);
        case Compression::Bzip2:
            return open_bzip2(path);
        case Compression::None:
            break;
    }
    return open_plain(path, {});
}

std::unique_ptr<ByteSource> open_plain(const fs::path& path, FilePart part) {
    return std::make_unique<PlainSource>(path, part);
}

}  // namespace hpml::text
