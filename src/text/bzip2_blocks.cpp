#include "text/bzip2_blocks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/error.h"

namespace hpml::text {

namespace {

constexpr std::uint64_t kBlockMagic = 0x314159265359;
constexpr std::uint64_t kEndMagic = 0x177245385090;
constexpr std::size_t kMagicBits = 48;
constexpr std::size_t kSumBits = 32;
constexpr std::size_t kBuffer = std::size_t{1} << 20;
constexpr std::size_t kMargin = 16;
/// 900,000 symbols of at most 20 bits, and the tables.
constexpr std::size_t kLongestBlock = std::size_t{5} << 19;

/// For a byte: whether a magic number that begins in the byte before it can have it.
constexpr std::array<bool, 256> make_candidates() {
    std::array<bool, 256> candidates{};
    for (const std::uint64_t magic : {kBlockMagic, kEndMagic}) {
        for (unsigned shift = 0; shift < 8; ++shift) {
            candidates[(magic >> (kMagicBits - 16 + shift)) & 0xFF] = true;
        }
    }
    return candidates;
}

constexpr std::array<bool, 256> kCandidates = make_candidates();

std::uint64_t load_big_endian(const std::uint8_t* bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    return __builtin_bswap64(word);
}

static_assert(std::endian::native == std::endian::little);

}  // namespace

Bzip2Blocks::Bzip2Blocks(const std::filesystem::path& path, std::uint64_t begin)
    : file_(path),
      size_(file_.size().value),
      buffer_(kMargin),
      base_(std::min(begin, size_)),
      decoder_(std::make_unique<Bzip2Stream>()) {
    end_ = find_marker(base_ * 8);
}

void Bzip2Blocks::hold(std::uint64_t first, std::size_t count) {
    if (first < base_ || first > base_ + held_) {
        held_ = 0;
        base_ = first;
    }
    if (base_ + held_ >= std::min<std::uint64_t>(first + count, size_)) {
        return;
    }
    // What lies before the block is no longer needed.
    const std::uint64_t kept = std::min(first, std::max(block_ / 8, base_));
    held_ -= kept - base_;
    std::memmove(buffer_.data(), buffer_.data() + (kept - base_), held_);
    base_ = kept;
    const std::uint64_t wanted = std::min<std::uint64_t>(
        std::max<std::uint64_t>(first + count - base_, held_ + kBuffer), size_ - base_);
    // Behind the bytes of the file stand zeros, so that words can be loaded up to the last one.
    buffer_.resize(std::max(buffer_.size(), wanted + kMargin));
    file_.read_at(base_ + held_,
                  std::as_writable_bytes(std::span(buffer_).subspan(held_, wanted - held_)));
    held_ = wanted;
    std::fill_n(buffer_.begin() + static_cast<std::ptrdiff_t>(held_), kMargin, 0);
}

/// 64 bits from a bit on, which is one of the bytes held.
std::uint64_t Bzip2Blocks::word_at(std::uint64_t bit) const {
    const std::uint8_t* bytes = buffer_.data() + (bit / 8 - base_);
    const auto shift = static_cast<unsigned>(bit % 8);
    return load_big_endian(bytes) << shift | static_cast<std::uint64_t>(bytes[8] >> (8 - shift));
}

Bzip2Blocks::Marker Bzip2Blocks::find_marker(std::uint64_t bit) {
    for (std::uint64_t byte = bit / 8;;) {
        hold(byte, 64);
        const std::uint64_t end = base_ + held_;
        for (; byte + 9 <= end || (end == size_ && byte + 6 <= end); ++byte) {
            if (!kCandidates[buffer_[byte + 1 - base_]]) {
                continue;
            }
            for (unsigned shift = 0; shift < 8; ++shift) {
                const std::uint64_t at = byte * 8 + shift;
                const std::uint64_t magic = word_at(at) >> (64 - kMagicBits);
                if (at >= bit && (magic == kBlockMagic || magic == kEndMagic)) {
                    return {at, magic == kBlockMagic, true};
                }
            }
        }
        if (end >= size_) {
            return {size_ * 8, false, false};
        }
    }
}

bool Bzip2Blocks::next() {
    while (end_.is_found && !end_.is_block) {
        end_ = find_marker(end_.bit + kMagicBits);
    }
    if (!end_.is_found) {
        return false;
    }
    block_ = end_.bit;
    begin_block();
    return true;
}

void Bzip2Blocks::begin_block() {
    end_ = find_marker(block_ + kMagicBits);
    if (!end_.is_found) {
        refuse("the bzip2 file ends in the middle (it is cut short); fetch it again");
    }
    has_output_ = false;
    put_frame();
}

/// The bits from the block's begin to its end, as the only block of a stream: the stream's sum is
/// then the block's own.
void Bzip2Blocks::put_frame() {
    const std::uint64_t bits = end_.bit - block_;
    if (bits > kLongestBlock * 8 || bits < kMagicBits + kSumBits) {
        refuse("the bzip2 file is damaged; fetch it again");
    }
    hold(block_ / 8, bits / 8 + 16);
    const std::uint64_t sum = word_at(block_ + kMagicBits) >> kSumBits;
    frame_.resize(4 + bits / 8 + 32);
    std::memcpy(frame_.data(), "BZh9", 4);
    char* out = frame_.data() + 4;
    const auto put = [&out](std::uint64_t word) {
        const std::uint64_t swapped = __builtin_bswap64(word);
        std::memcpy(out, &swapped, sizeof swapped);
        out += sizeof swapped;
    };
    std::uint64_t at = 0;
    for (; at + 64 <= bits; at += 64) {
        put(word_at(block_ + at));
    }
    // The rest of the block, the magic number of the end and the sum: 80 bits behind.
    const auto rest = static_cast<unsigned>(bits - at);
    const std::uint64_t tail = rest == 0 ? 0 : word_at(block_ + at) >> (64 - rest) << (64 - rest);
    const unsigned __int128 end = (static_cast<unsigned __int128>(kEndMagic) << kSumBits | sum)
                                  << 48;
    put(tail | static_cast<std::uint64_t>(end >> (64 + rest)));
    put(static_cast<std::uint64_t>(end >> rest));
    put(rest == 0 ? 0 : static_cast<std::uint64_t>(end) << (64 - rest));
    frame_.resize(static_cast<std::size_t>(out - frame_.data()));
    decoder_->restart();
    decoder_->get().next_in = frame_.data();
    decoder_->get().avail_in = static_cast<unsigned>(frame_.size());
    is_open_ = true;
}

std::size_t Bzip2Blocks::read(std::span<char> bytes) {
    bz_stream& stream = decoder_->get();
    for (;;) {
        if (!is_open_) {
            return 0;
        }
        stream.next_out = bytes.data();
        stream.avail_out = static_cast<unsigned>(bytes.size());
        const int result = BZ2_bzDecompress(&stream);
        const std::size_t got = bytes.size() - stream.avail_out;
        is_open_ = result != BZ_STREAM_END;
        if (result == BZ_STREAM_END || (result == BZ_OK && got > 0)) {
            has_output_ = true;
            return got;
        }
        if (result == BZ_MEM_ERROR) {
            throw ResourceError("libbz2 has no memory to unpack " + file_.path().string());
        }
        const std::uint64_t false_end = end_.bit;
        end_ = find_marker(false_end + 1);
        if (has_output_ || !end_.is_found || end_.bit - block_ > kLongestBlock * 8) {
            refuse("the bzip2 file is damaged; fetch it again");
        }
        put_frame();
    }
}

void Bzip2Blocks::refuse(const char* what) const {
    throw InputError(file_.path().string() + ", byte " + std::to_string(begin()) + ": " + what);
}

}  // namespace hpml::text
