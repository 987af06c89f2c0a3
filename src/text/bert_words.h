#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "text/character_table.h"
#include "text/letter_case.h"
#include "text/utf8.h"

namespace hpml::text {

/// A word that is being collected, normalised. Characters beyond the limit are only counted.
class BertWord {
  public:
    static constexpr std::size_t kLongest = 100;  ///< characters

    void add_ascii(char byte) {
        if (characters_++ < kLongest) {
            bytes_[size_++] = byte;
        }
    }
    void add(char32_t point) {
        if (characters_++ < kLongest) {
            size_ += put_character(point, bytes_.data() + size_);
        }
    }
    [[nodiscard]] bool is_empty() const { return characters_ == 0; }
    [[nodiscard]] bool is_too_long() const { return characters_ > kLongest; }
    [[nodiscard]] std::string_view text() const { return {bytes_.data(), size_}; }
    void clear() { size_ = characters_ = 0; }

  private:
    std::array<char, 4 * kLongest> bytes_;
    std::size_t size_ = 0;
    std::size_t characters_ = 0;
};

/// BERT's normaliser and pre-tokeniser: text to words.
class BertWords {
  public:
    explicit BertWords(LetterCase letter_case);

    [[nodiscard]] bool lowers() const { return lower_; }
    /// What the pre-tokeniser sees in an ASCII character.
    [[nodiscard]] CharacterClass ascii_kind(unsigned char byte) const {
        return characters_.kind(byte);
    }

    /// Characters of `text` from `at` on up to the end of a word, calling `use(word)` for each word
    /// that ends on the way. @param word  empty before and after @return where it ended, beyond
    /// `at`
    template <class Use>
    [[nodiscard]] std::size_t next(std::string_view text, std::size_t at, BertWord& word,
                                   const Use& use) const {
        do {
            const auto byte = static_cast<unsigned char>(text[at]);
            if (byte < kAscii) {
                ++at;
                add_classified(byte, characters_.kind(byte), word, use);
            } else {
                const Utf8Character character = first_character(text.substr(at));
                add_character(character.point, word, use);
                at += character.length;
            }
        } while (at < text.size() && !word.is_empty());
        finish(word, use);
        return at;
    }

  private:
    static constexpr std::size_t kAscii = 128;

    /// One character of the normalised text.
    template <class Use>
    void add_classified(char32_t point, CharacterClass kind, BertWord& word, const Use& use) const {
        switch (kind) {
            case CharacterClass::Letter:
            case CharacterClass::Mark:
                put(point, word);
                break;
            case CharacterClass::Drop:
                break;
            case CharacterClass::Space:
                finish(word, use);
                break;
            case CharacterClass::Punctuation:
            case CharacterClass::Chinese:
                finish(word, use);
                put(point, word);
                finish(word, use);
                break;
        }
    }

    /// One character above ASCII of the raw text.
    template <class Use>
    void add_character(char32_t point, BertWord& word, const Use& use) const {
        const CharacterClass kind = characters_.kind(point);
        if (!lower_ || kind == CharacterClass::Drop || kind == CharacterClass::Space) {
            add_classified(point, kind, word, use);
            return;
        }
        // The class counts again after the decomposition: U+037E becomes a semicolon. A Chinese
        // character was set apart before it.
        const LowerCharacters lower = characters_.lower(point);
        for (std::size_t i = 0; i < lower.count; ++i) {
            const char32_t part = lower.points[i];
            add_classified(part, kind == CharacterClass::Chinese ? kind : characters_.kind(part),
                           word, use);
        }
    }

    template <class Use>
    static void finish(BertWord& word, const Use& use) {
        if (!word.is_empty()) {
            use(word);
            word.clear();
        }
    }

    void put(char32_t point, BertWord& word) const {
        if (point < kAscii) {
            word.add_ascii(ascii_[point]);
        } else {
            word.add(point);
        }
    }

    bool lower_;
    CharacterTable characters_;
    std::array<char, kAscii> ascii_{};  ///< normalised
};

}  // namespace hpml::text
