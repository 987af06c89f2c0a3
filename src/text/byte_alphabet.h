#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hpml::text {

/// How GPT-2's vocabulary writes bytes: printable ones of Latin-1 as the characters of their
/// number, the other 68 as U+0100, U+0101, ... in their order.
class ByteAlphabet {
  public:
    ByteAlphabet();

    /// A byte as UTF-8.
    [[nodiscard]] const std::string& character(unsigned char byte) const {
        return characters_[byte];
    }
    /// All bytes of `text`, written so.
    [[nodiscard]] std::string written(std::string_view text) const;
    /// The bytes that `token` writes; nothing if it holds another character.
    [[nodiscard]] std::optional<std::string> bytes(std::string_view token) const;

  private:
    static constexpr std::size_t kPoints = 0x144;

    std::array<std::string, 256> characters_;
    std::array<std::int16_t, kPoints> bytes_{};  ///< by character; -1: writes none
};

}  // namespace hpml::text
