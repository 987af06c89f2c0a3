#pragma once

#include <zlib.h>

#include <vector>

#include "base/file.h"
#include "text/byte_source.h"

namespace hpml::text {

/// A gzip file of one or several members (RFC 1952), their sums checked; zeros behind the last one
/// are padding.
class GzipSource final : public ByteSource {
  public:
    /// @throw MissingInputError
    explicit GzipSource(const std::filesystem::path& path);
    ~GzipSource() override;
    GzipSource(const GzipSource&) = delete;
    GzipSource& operator=(const GzipSource&) = delete;
    GzipSource(GzipSource&&) = delete;
    GzipSource& operator=(GzipSource&&) = delete;

    [[nodiscard]] std::size_t read(std::span<char> bytes) override;
    [[nodiscard]] std::uint64_t offset() const override { return taken_ - stream_.avail_in; }

  private:
    /// @return false at the end of the file
    [[nodiscard]] bool fill();
    /// Go on to the next member. @return false if there is none
    [[nodiscard]] bool next_member();

    InputFile file_;
    std::vector<unsigned char> buffer_;
    z_stream stream_{};
    std::uint64_t taken_ = 0;  ///< bytes of the file read into the buffer
    bool is_between_ = false;  ///< behind a member
};

}  // namespace hpml::text
