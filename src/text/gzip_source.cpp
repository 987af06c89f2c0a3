#include "text/gzip_source.h"

#include "base/error.h"

namespace hpml::text {

namespace {

constexpr std::size_t kBuffer = std::size_t{256} << 10;
constexpr int kGzipWindow = 15 + 16;  ///< the largest window, gzip headers only

}  // namespace

GzipSource::GzipSource(const std::filesystem::path& path)
    : ByteSource(path), file_(path), buffer_(kBuffer) {
    if (inflateInit2(&stream_, kGzipWindow) != Z_OK) {
        throw ResourceError("zlib has no memory to unpack " + path.string());
    }
}

GzipSource::~GzipSource() { (void)inflateEnd(&stream_); }

bool GzipSource::fill() {
    if (stream_.avail_in == 0) {
        stream_.next_in = buffer_.data();
        stream_.avail_in =
            static_cast<uInt>(file_.read(std::as_writable_bytes(std::span(buffer_))));
        taken_ += stream_.avail_in;
    }
    return stream_.avail_in > 0;
}

bool GzipSource::next_member() {
    while (fill()) {
        if (*stream_.next_in != 0) {
            if (inflateReset(&stream_) != Z_OK) {
                throw InternalError("zlib refuses to begin a member");
            }
            is_between_ = false;
            return true;
        }
        ++stream_.next_in;
        --stream_.avail_in;
    }
    return false;
}

std::size_t GzipSource::read(std::span<char> bytes) {
    stream_.next_out = reinterpret_cast<unsigned char*>(bytes.data());
    stream_.avail_out = static_cast<uInt>(bytes.size());
    while (stream_.avail_out == bytes.size()) {
        if (is_between_ && !next_member()) {
            return 0;
        }
        if (!fill()) {
            refuse(offset(), "the gzip file ends in the middle (it is cut short); fetch it again");
        }
        const int result = inflate(&stream_, Z_NO_FLUSH);
        if (result == Z_STREAM_END) {
            is_between_ = true;
        } else if (result == Z_MEM_ERROR) {
            throw ResourceError("zlib has no memory to unpack " + path().string());
        } else if (result != Z_OK) {
            refuse(offset(), std::string("the gzip file is damaged (") +
                                 (stream_.msg != nullptr ? stream_.msg : "no details") +
                                 "); fetch it again");
        }
    }
    return bytes.size() - stream_.avail_out;
}

}  // namespace hpml::text
