#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace hpml::text {

/// A few bytes that a text is searched for: one table look-up a byte, which beats a vector search
/// where they stand a few words apart, as in wikitext.
class ByteSet {
  public:
    constexpr explicit ByteSet(std::string_view bytes) {
        for (const char byte : bytes) {
            holds_[static_cast<unsigned char>(byte)] = true;
        }
    }
    /// @return the first position from `at` of a byte of the set; the text's size if there is none
    [[nodiscard]] std::size_t find(std::string_view text, std::size_t at) const {
        const char* bytes = text.data();
        const std::size_t end = text.size();
        for (; at + 4 <= end; at += 4) {
            if (holds(bytes[at])) return at;
            if (holds(bytes[at + 1])) return at + 1;
            if (holds(bytes[at + 2])) return at + 2;
            if (holds(bytes[at + 3])) return at + 3;
        }
        while (at < end && !holds(bytes[at])) {
            ++at;
        }
        return at;
    }
    [[nodiscard]] constexpr bool holds(char byte) const {
        return holds_[static_cast<unsigned char>(byte)];
    }

  private:
    std::array<bool, 256> holds_{};
};

}  // namespace hpml::text
