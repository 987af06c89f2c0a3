#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "text/byte_level_ranges.h"
#include "text/word_key.h"

namespace hpml::text {

/// GPT-2's pre-tokeniser, the regular expression
/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// (Radford et al. 2019) as a scanner: every byte belongs to one piece, none is looked at more than
/// twice.
class ByteLevelSplitter {
  public:
    ByteLevelSplitter();

    /// The end of the piece that begins at `at`, which is below the size.
    /// @param text  valid UTF-8, and `at` a piece's end or 0
    [[nodiscard]] std::size_t next(std::string_view text, std::size_t at) const {
        std::size_t begin = at;
        if (text[at] == ' ' && at + 1 < text.size()) {
            ++begin;
        }
        const auto byte = static_cast<unsigned char>(text[begin]);
        if (ascii_[byte] == ByteLevelClass::Letter) {
            return letters_end(text, begin + 1);
        }
        return next_rare(text, at, begin);
    }

  private:
    static constexpr std::size_t kAscii = 128;

    [[nodiscard]] std::size_t letters_end(std::string_view text, std::size_t at) const {
        while (at + 8 <= text.size()) {
            const std::uint64_t others =
                ~ascii_letters(load_eight(text.data() + at)) & 0x8080808080808080u;
            if (others != 0) {
                at += static_cast<std::size_t>(std::countr_zero(others)) / 8;
                const auto byte = static_cast<unsigned char>(text[at]);
                return byte < kAscii ? at : run_end(text, at, ByteLevelClass::Letter);
            }
            at += 8;
        }
        return run_end(text, at, ByteLevelClass::Letter);
    }
    [[nodiscard]] std::size_t next_rare(std::string_view text, std::size_t at,
                                        std::size_t begin) const;
    [[nodiscard]] std::size_t run_end(std::string_view text, std::size_t at,
                                      ByteLevelClass kind) const;
    [[nodiscard]] std::size_t space_end(std::string_view text, std::size_t at) const;

    std::vector<ByteLevelClass> kinds_;
    std::array<ByteLevelClass, 256> ascii_{};  ///< Other from 128 on
};

}  // namespace hpml::text
