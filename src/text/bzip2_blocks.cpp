#include "text/bzip2_blocks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/error.h"

namespace hpml::text {

namespace {

constexpr std::uint64_t kEndMagic = 0x177245385090;
constexpr std::size_t kMagicBits = Bzip2Block::kMagicBits;
constexpr std::size_t kBuffer = std::size_t{1} << 20;
constexpr const char* kDamaged = "the bzip2 file is damaged; fetch it again";
constexpr const char* kCutShort =
    "the bzip2 file ends in the middle (it is cut short); fetch it again";

/// For a byte: whether a magic number that begins in the byte before it can have it.
constexpr std::array<bool, 256> make_candidates() {
    std::array<bool, 256> candidates{};
    for (const std::uint64_t magic : {Bzip2Block::kMagic, kEndMagic}) {
        for (unsigned shift = 0; shift < 8; ++shift) {
            candidates[(magic >> (kMagicBits - 16 + shift)) & 0xFF] = true;
        }
    }
    return candidates;
}

constexpr std::array<bool, 256> kCandidates = make_candidates();

static_assert(std::endian::native == std::endian::little);

}  // namespace

Bzip2Blocks::Bzip2Blocks(const std::filesystem::path& path, FilePart part)
    : file_(path), part_(part), size_(file_.size().value), buffer_(Bzip2Block::kMargin) {
    base_ = std::min(part.begin, size_);
    bit_ = base_ * 8;
    if (part.begin > 0) {
        find_marker();
    } else if (!begin_stream()) {
        refuse(0, size_ < 4 ? kCutShort : "this is no bzip2 file; fetch it again");
    }
}

/// Have the bytes from `first` on in the buffer, at least `count` where the file has them.
void Bzip2Blocks::hold(std::uint64_t first, std::size_t count) {
    if (first > base_ + held_) {
        held_ = 0;
        base_ = first;
    }
    if (base_ + held_ >= std::min<std::uint64_t>(first + count, size_)) {
        return;
    }
    held_ -= first - base_;
    std::memmove(buffer_.data(), buffer_.data() + (first - base_), held_);
    base_ = first;
    const std::uint64_t wanted =
        std::min<std::uint64_t>(std::max(count, held_ + kBuffer), size_ - base_);
    buffer_.resize(std::max(buffer_.size(), wanted + Bzip2Block::kMargin));
    file_.read_at(base_ + held_,
                  std::as_writable_bytes(std::span(buffer_).subspan(held_, wanted - held_)));
    held_ = wanted;
    std::fill_n(buffer_.begin() + static_cast<std::ptrdiff_t>(held_), Bzip2Block::kMargin, 0);
}

/// 64 bits from a bit on, which is one of the bytes held.
std::uint64_t Bzip2Blocks::word_at(std::uint64_t bit) const {
    const std::uint8_t* bytes = buffer_.data() + (bit / 8 - base_);
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    const auto shift = static_cast<unsigned>(bit % 8);
    return __builtin_bswap64(word) << shift | static_cast<std::uint64_t>(bytes[8] >> (8 - shift));
}

/// Go to the first magic number from bit_ on, or to the end of the file.
void Bzip2Blocks::find_marker() {
    for (std::uint64_t byte = bit_ / 8;;) {
        hold(byte, 64);
        const std::uint64_t end = base_ + held_;
        for (; byte + 9 <= end || (end == size_ && byte + 6 <= end); ++byte) {
            if (!kCandidates[buffer_[byte + 1 - base_]]) {
                continue;
            }
            for (unsigned shift = 0; shift < 8; ++shift) {
                const std::uint64_t magic = word_at(byte * 8 + shift) >> (64 - kMagicBits);
                if (magic == Bzip2Block::kMagic || magic == kEndMagic) {
                    bit_ = byte * 8 + shift;
                    is_within_ = true;
                    return;
                }
            }
        }
        if (end >= size_) {
            bit_ = size_ * 8;
            return;
        }
    }
}

/// Pass over the header of a stream, if one stands at bit_.
bool Bzip2Blocks::begin_stream() {
    hold(bit_ / 8, 16);
    const std::uint64_t header = word_at(bit_) >> 32;
    const bool is_header = header >= 0x425A6831 && header <= 0x425A6839;  // BZh1 to BZh9
    if (is_header && bit_ / 8 + 4 <= size_) {
        bit_ += 32;
        is_within_ = true;
        knows_sum_ = true;
        sum_ = 0;
        return true;
    }
    return false;
}

void Bzip2Blocks::end_stream() {
    const auto stored = static_cast<std::uint32_t>(word_at(bit_ + kMagicBits) >> 32);
    const std::uint64_t end = bit_ + kMagicBits + 32;
    if (end > size_ * 8) {
        refuse(size_, kCutShort);
    }
    if (knows_sum_ && stored != sum_) {
        refuse(bit_ / 8, kDamaged);
    }
    bit_ = (end + 7) / 8 * 8;
    is_within_ = false;
}

/// Pass over what stands between blocks. @return false at the end of the file
bool Bzip2Blocks::go_to_block() {
    for (;;) {
        if (!is_within_) {
            if (bit_ >= size_ * 8) {
                return false;
            }
            if (!begin_stream()) {
                refuse(bit_ / 8,
                       "something else follows the bzip2 streams (the file is damaged); "
                       "fetch it again");
            }
        }
        hold(bit_ / 8, 32);
        if (bit_ + kMagicBits > size_ * 8) {
            refuse(size_, kCutShort);
        }
        const std::uint64_t magic = word_at(bit_) >> (64 - kMagicBits);
        if (magic == Bzip2Block::kMagic) {
            return true;
        }
        if (magic != kEndMagic) {
            refuse(bit_ / 8, kDamaged);
        }
        end_stream();
    }
}

Bzip2Blocks::Ready Bzip2Blocks::take_block() {
    Ready ready{nullptr, bit_ / 8};
    if (spare_.empty()) {
        ready.block = std::make_unique<Bzip2Block>();
    } else {
        ready.block = std::move(spare_.back());
        spare_.pop_back();
    }
    hold(bit_ / 8, Bzip2Block::kLongest);
    switch (ready.block->parse(std::span(buffer_).first(held_), bit_ - base_ * 8)) {
        case Bzip2Block::Parsed::Whole:
            break;
        case Bzip2Block::Parsed::CutShort:
            refuse(base_ + held_ < size_ ? ready.begin : size_,
                   base_ + held_ < size_ ? kDamaged : kCutShort);
        case Bzip2Block::Parsed::Randomised:
            refuse(ready.begin,
                   "the bzip2 file was made by a version before 0.9.5, or is damaged; unpack it by "
                   "bunzip2, or fetch it again");
        case Bzip2Block::Parsed::Damaged:
            refuse(ready.begin, kDamaged);
    }
    bit_ = base_ * 8 + ready.block->end();
    sum_ = std::rotl(sum_, 1) ^ ready.block->sum();
    return ready;
}

/// Unpack the next blocks together: those of the part, and the first behind it by itself.
void Bzip2Blocks::unpack() {
    std::array<Bzip2Block*, Bzip2Block::kLanes> together{};
    std::size_t count = 0;
    while (count < together.size() && go_to_block()) {
        ready_.push_back(take_block());
        together[count++] = ready_.back().block.get();
        if (ready_.back().begin >= part_.end) {
            break;
        }
    }
    Bzip2Block::invert(std::span(together).first(count));
}

bool Bzip2Blocks::next() {
    if (!ready_.empty()) {
        spare_.push_back(std::move(ready_.front().block));
        ready_.pop_front();
    }
    if (ready_.empty()) {
        unpack();
    }
    if (ready_.empty()) {
        return false;
    }
    begin_ = ready_.front().begin;
    return true;
}

std::size_t Bzip2Blocks::read(std::span<char> bytes) {
    if (ready_.empty()) {
        return 0;
    }
    const std::size_t got = ready_.front().block->read(bytes);
    if (got == 0 && !ready_.front().block->is_sound()) {
        refuse(begin_, kDamaged);
    }
    return got;
}

void Bzip2Blocks::refuse(std::uint64_t offset, const char* what) const {
    throw InputError(file_.path().string() + ", byte " + std::to_string(offset) + ": " + what);
}

}  // namespace hpml::text
