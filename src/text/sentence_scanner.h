#pragma once

#include <cstddef>
#include <string_view>

#include "text/sentence_classes.h"
#include "text/utf8.h"

namespace hpml::text {

/// The sentence boundaries of one text by the rules of Unicode Standard Annex 29, front to back in
/// linear time, without any suppressions.
class SentenceScanner {
  public:
    SentenceScanner(const SentenceClasses& classes, std::string_view text)
        : classes_(classes), text_(text) {}

    /// The end of the sentence that begins at the last end, 0 at first; not to be called when all
    /// is taken.
    [[nodiscard]] std::size_t next();
    [[nodiscard]] bool is_done() const { return at_ == text_.size(); }

  private:
    struct Character {
        SentenceClass kind = SentenceClass::Other;
        std::size_t end = 0;  ///< behind it
    };

    [[nodiscard]] Character look(std::size_t at) const {
        const auto byte = static_cast<unsigned char>(text_[at]);
        if (byte < 0x80) {
            return {classes_.of(byte), at + 1};
        }
        const Utf8Character character = first_character(text_.substr(at));
        return {classes_.of(character.point), at + character.length};
    }
    [[nodiscard]] bool is(std::size_t at, SentenceClass kind) const {
        return at < text_.size() && look(at).kind == kind;
    }
    [[nodiscard]] std::size_t skip(std::size_t at, SentenceClass kind) const;
    [[nodiscard]] std::size_t skip_extended(std::size_t at, SentenceClass kind) const;
    [[nodiscard]] bool follows_cased_letter(std::size_t at) const;
    [[nodiscard]] bool lower_comes_next(std::size_t at) const;
    [[nodiscard]] std::size_t separator_end(std::size_t at) const;
    [[nodiscard]] bool ends_at_terminator(std::size_t at, const Character& terminator);

    const SentenceClasses& classes_;
    std::string_view text_;
    std::size_t begin_ = 0;
    std::size_t at_ = 0;
};

}  // namespace hpml::text
