#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/file.h"
#include "text/byte_source.h"
#include "text/bzip2_block.h"

namespace hpml::text {

/// The blocks of a bzip2 file of any number of streams. They do not depend on each other, so a file
/// of one stream, too, can be read from any place: a block begins at any bit with a magic number of
/// 48 bits, which is looked for. Each block's sum is checked, and that of each stream which is read
/// from its begin.
class Bzip2Blocks {
  public:
    /// Before the first block that begins at byte `part.begin` or behind it.
    /// @param part  more than one block behind its end is not unpacked ahead
    /// @throw MissingInputError; InputError if the part has the file's begin and that is no bzip2
    Bzip2Blocks(const std::filesystem::path& path, FilePart part);

    /// Go to the next block. @return false at the end of the file
    /// @throw InputError if the file is damaged or ends within a block; IoError
    [[nodiscard]] bool next();
    /// The byte of the file in which the block begins.
    [[nodiscard]] std::uint64_t begin() const noexcept { return begin_; }
    /// The next bytes of the block. @return how many; 0 at its end
    /// @throw InputError if the block is damaged
    [[nodiscard]] std::size_t read(std::span<char> bytes);

  private:
    /// A block that is unpacked.
    struct Ready {
        std::unique_ptr<Bzip2Block> block;
        std::uint64_t begin = 0;
    };

    void hold(std::uint64_t first, std::size_t count);
    [[nodiscard]] std::uint64_t word_at(std::uint64_t bit) const;
    void find_marker();
    [[nodiscard]] bool go_to_block();
    [[nodiscard]] bool begin_stream();
    void end_stream();
    void unpack();
    [[nodiscard]] Ready take_block();
    [[noreturn]] void refuse(std::uint64_t offset, const char* what) const;

    InputFile file_;
    FilePart part_;
    std::uint64_t size_;
    std::vector<std::uint8_t> buffer_;
    std::size_t held_ = 0;     ///< bytes of the file in the buffer; zeros behind
    std::uint64_t base_ = 0;   ///< position in the file of the buffer's first byte
    std::uint64_t bit_ = 0;    ///< of the file: what is to be parsed next
    bool is_within_ = false;   ///< of a stream; else a stream may begin at bit_
    bool knows_sum_ = false;   ///< the stream was read from its begin
    std::uint32_t sum_ = 0;    ///< of the stream so far
    std::deque<Ready> ready_;  ///< the first is the current one
    std::vector<std::unique_ptr<Bzip2Block>> spare_;
    std::uint64_t begin_ = 0;
};

/// A whole bzip2 file. @throw MissingInputError, InputError
[[nodiscard]] std::unique_ptr<ByteSource> open_bzip2(const std::filesystem::path& path);
/// The pages of a dump that begin in the blocks that begin in a part of a bzip2 file: from the
/// first <page> there to the first one behind. The part [0, x) has the head of the dump before
/// them; every part ends with </mediawiki>.
[[nodiscard]] std::unique_ptr<ByteSource> open_bzip2_pages(const std::filesystem::path& path,
                                                           FilePart part);

}  // namespace hpml::text
