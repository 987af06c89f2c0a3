#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace hpml::text {

/// Eight bytes of text as a number, the first one lowest; zeros behind the end of a shorter text.
[[nodiscard]] inline std::uint64_t load_eight(const char* bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof(word));
    if constexpr (std::endian::native == std::endian::big) {
        word = __builtin_bswap64(word);
    }
    return word;
}

/// The reverse of load_eight.
inline void store_eight(std::uint64_t word, char* bytes) {
    if constexpr (std::endian::native == std::endian::big) {
        word = __builtin_bswap64(word);
    }
    std::memcpy(bytes, &word, sizeof(word));
}

/// 0x80 in each byte of `word` that is an ASCII letter.
[[nodiscard]] inline std::uint64_t ascii_letters(std::uint64_t word) {
    constexpr std::uint64_t kOnes = 0x0101010101010101u;
    constexpr std::uint64_t kHigh = 0x8080808080808080u;
    const std::uint64_t folded = (word | 0x20 * kOnes) & ~kHigh;
    return (folded + (0x80 - 'a') * kOnes) & ~(folded + (0x80 - 'z' - 1) * kOnes) & ~word & kHigh;
}

/// 0x80 in each byte of `word` that is an ASCII digit.
[[nodiscard]] inline std::uint64_t ascii_digits(std::uint64_t word) {
    constexpr std::uint64_t kOnes = 0x0101010101010101u;
    constexpr std::uint64_t kHigh = 0x8080808080808080u;
    const std::uint64_t low = word & ~kHigh;
    return (low + (0x80 - '0') * kOnes) & ~(low + (0x80 - '9' - 1) * kOnes) & ~word & kHigh;
}

/// `word` with its ASCII capitals in lower case.
[[nodiscard]] inline std::uint64_t ascii_lower(std::uint64_t word) {
    return word | (ascii_letters(word) >> 2);
}

/// A word of at most 15 bytes as two numbers; the last byte is its length, so that a zero byte is
/// not the end.
struct WordKey {
    static constexpr std::size_t kLongest = 15;

    std::uint64_t low = 0;
    std::uint64_t high = 0;

    friend bool operator==(const WordKey&, const WordKey&) = default;

    /// Of the first `length` of 16 bytes that may be read as `low` and `high`.
    [[nodiscard]] static WordKey of(std::uint64_t low, std::uint64_t high, std::size_t length) {
        const std::uint64_t marked = std::uint64_t{length} << 56;
        if (length < 8) {
            return {low & ((std::uint64_t{1} << 8 * length) - 1), marked};
        }
        return {low, (high & ((std::uint64_t{1} << 8 * (length - 8)) - 1)) | marked};
    }
    /// @param word  at most kLongest bytes
    [[nodiscard]] static WordKey of(std::string_view word) {
        char bytes[16] = {};
        std::memcpy(bytes, word.data(), word.size());
        return of(load_eight(bytes), load_eight(bytes + 8), word.size());
    }
    [[nodiscard]] std::uint64_t hash() const {
        const std::uint64_t mixed = low * 0x9E3779B97F4A7C15u ^ high * 0xC2B2AE3D27D4EB4Fu;
        return (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9u;
    }
};

}  // namespace hpml::text
