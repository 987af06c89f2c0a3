#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/file.h"
#include "text/byte_source.h"
#include "text/bzip2_source.h"

namespace hpml::text {

/// The blocks of a bzip2 file, each unpacked by itself: a file of one stream, too, can be read from
/// any place. A block begins at any bit with a magic number of 48 bits, which is looked for; should
/// one stand within a block by chance, the block is tried again up to the next. Each block's sum is
/// checked, those of whole streams are not.
class Bzip2Blocks {
  public:
    /// Before the first block that begins at byte `begin` or behind it.
    /// @throw MissingInputError
    Bzip2Blocks(const std::filesystem::path& path, std::uint64_t begin);

    /// Go to the next block. @return false at the end of the file
    /// @throw InputError if the file ends within a block; IoError
    [[nodiscard]] bool next();
    /// The byte of the file in which the block begins.
    [[nodiscard]] std::uint64_t begin() const noexcept { return block_ / 8; }
    /// The next bytes of the block. @return how many; 0 at its end
    /// @throw InputError if the block is damaged
    [[nodiscard]] std::size_t read(std::span<char> bytes);

  private:
    /// A magic number in the file.
    struct Marker {
        std::uint64_t bit = 0;
        bool is_block = false;  ///< else the end of a stream
        bool is_found = false;  ///< else the end of the file
    };

    [[nodiscard]] Marker find_marker(std::uint64_t bit);
    /// Have the bytes from `first` on in the buffer, at least `count` where the file has them.
    void hold(std::uint64_t first, std::size_t count);
    [[nodiscard]] std::uint64_t word_at(std::uint64_t bit) const;
    void begin_block();
    void put_frame();
    [[noreturn]] void refuse(const char* what) const;

    InputFile file_;
    std::uint64_t size_;
    std::vector<std::uint8_t> buffer_;
    std::size_t held_ = 0;     ///< bytes of the file in the buffer; zeros behind
    std::uint64_t base_ = 0;   ///< position in the file of the buffer's first byte
    std::uint64_t block_ = 0;  ///< first bit of the block
    Marker end_;               ///< of the block
    std::vector<char> frame_;  ///< the block as a stream of its own
    std::unique_ptr<Bzip2Stream> decoder_;
    bool is_open_ = false;     ///< the decoder has not reached the block's end
    bool has_output_ = false;  ///< it has given bytes of the block
};

/// The pages of a dump that begin in the blocks that begin in a part of a bzip2 file: from the
/// first <page> there to the first one behind. The part [0, x) has the head of the dump before
/// them, the last part its end behind.
[[nodiscard]] std::unique_ptr<ByteSource> open_bzip2_pages(const std::filesystem::path& path,
                                                           FilePart part);

}  // namespace hpml::text
