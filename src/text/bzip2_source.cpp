#include "text/bzip2_source.h"

#include <utility>

#include "base/error.h"

namespace hpml::text {

namespace {

constexpr std::size_t kBuffer = std::size_t{256} << 10;

}  // namespace

Bzip2Stream::Bzip2Stream() { begin(); }

Bzip2Stream::~Bzip2Stream() { (void)BZ2_bzDecompressEnd(&stream_); }

void Bzip2Stream::begin() {
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) {
        throw ResourceError("libbz2 has no memory to unpack");
    }
}

void Bzip2Stream::restart() {
    char* next = stream_.next_in;
    const unsigned left = stream_.avail_in;
    (void)BZ2_bzDecompressEnd(&stream_);
    stream_ = {};
    begin();
    stream_.next_in = next;
    stream_.avail_in = left;
}

Bzip2Source::Bzip2Source(const std::filesystem::path& path)
    : ByteSource(path), file_(path), buffer_(kBuffer), decoder_(std::make_unique<Bzip2Stream>()) {}

std::uint64_t Bzip2Source::offset() const { return taken_ - decoder_->get().avail_in; }

bool Bzip2Source::fill() {
    bz_stream& stream = decoder_->get();
    if (stream.avail_in == 0) {
        stream.next_in = buffer_.data();
        stream.avail_in =
            static_cast<unsigned>(file_.read(std::as_writable_bytes(std::span(buffer_))));
        taken_ += stream.avail_in;
    }
    return stream.avail_in > 0;
}

std::size_t Bzip2Source::read(std::span<char> bytes) {
    bz_stream& stream = decoder_->get();
    stream.next_out = bytes.data();
    stream.avail_out = static_cast<unsigned>(bytes.size());
    while (stream.avail_out == bytes.size()) {
        const bool has_input = fill();
        if (std::exchange(is_between_, false)) {
            if (!has_input) {
                is_between_ = true;
                return 0;
            }
            decoder_->restart();
            stream.next_out = bytes.data();
            stream.avail_out = static_cast<unsigned>(bytes.size());
        }
        // Without input the decoder may still hold output.
        const int result = BZ2_bzDecompress(&stream);
        if (result == BZ_STREAM_END) {
            is_between_ = true;
        } else if (result == BZ_MEM_ERROR) {
            throw ResourceError("libbz2 has no memory to unpack " + path().string());
        } else if (result != BZ_OK) {
            refuse(offset(), "the bzip2 file is damaged here or shortly before; fetch it again");
        } else if (!has_input && stream.avail_out == bytes.size()) {
            refuse(offset(), "the bzip2 file ends in the middle (it is cut short); fetch it again");
        }
    }
    return bytes.size() - stream.avail_out;
}

}  // namespace hpml::text
