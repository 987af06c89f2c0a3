#pragma once

#include <bzlib.h>

#include <memory>
#include <vector>

#include "base/file.h"
#include "text/byte_source.h"

namespace hpml::text {

/// libbz2's decoder of one stream. Move-only through its pointer: libbz2 keeps the stream's
/// address.
class Bzip2Stream {
  public:
    Bzip2Stream();
    ~Bzip2Stream();
    Bzip2Stream(const Bzip2Stream&) = delete;
    Bzip2Stream& operator=(const Bzip2Stream&) = delete;
    Bzip2Stream(Bzip2Stream&&) = delete;
    Bzip2Stream& operator=(Bzip2Stream&&) = delete;

    [[nodiscard]] bz_stream& get() noexcept { return stream_; }
    /// Begin another stream; what is left of the input stays. @throw ResourceError
    void restart();

  private:
    void begin();
    bz_stream stream_{};
};

/// A bzip2 file of one or several streams, their sums checked.
class Bzip2Source final : public ByteSource {
  public:
    /// @throw MissingInputError
    explicit Bzip2Source(const std::filesystem::path& path);

    [[nodiscard]] std::size_t read(std::span<char> bytes) override;
    [[nodiscard]] std::uint64_t offset() const override;

  private:
    [[nodiscard]] bool fill();

    InputFile file_;
    std::vector<char> buffer_;
    std::unique_ptr<Bzip2Stream> decoder_;
    std::uint64_t taken_ = 0;  ///< bytes of the file read into the buffer
    bool is_between_ = false;  ///< behind a stream
};

}  // namespace hpml::text
