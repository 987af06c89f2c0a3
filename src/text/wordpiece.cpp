#include "text/wordpiece.h"

#include <array>
#include <utility>

#include "base/error.h"
#include "text/character_table.h"
#include "text/piece_trie.h"
#include "text/utf8.h"

namespace hpml::text {

namespace {

constexpr std::size_t kLongestWord = 100;  ///< characters; a longer word is [UNK]
constexpr std::size_t kAscii = 128;

/// The word that is being collected, normalised. Characters beyond the limit are only counted.
class Word {
  public:
    void add_ascii(char byte) {
        if (characters_++ < kLongestWord) {
            bytes_[size_++] = byte;
        }
    }
    void add(char32_t point) {
        if (characters_++ < kLongestWord) {
            size_ += put_character(point, bytes_.data() + size_);
        }
    }
    [[nodiscard]] bool is_empty() const { return characters_ == 0; }
    [[nodiscard]] bool is_too_long() const { return characters_ > kLongestWord; }
    [[nodiscard]] std::string_view text() const { return {bytes_.data(), size_}; }
    void clear() { size_ = characters_ = 0; }

  private:
    std::array<char, 4 * kLongestWord> bytes_;
    std::size_t size_ = 0;
    std::size_t characters_ = 0;
};

std::vector<std::string> all_tokens(const Vocabulary& vocabulary) {
    std::vector<std::string> tokens;
    tokens.reserve(static_cast<std::size_t>(vocabulary.size()));
    for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
        tokens.push_back(vocabulary.token(id));
    }
    return tokens;
}

}  // namespace

class WordPiece::State {
  public:
    State(const Vocabulary& vocabulary, LetterCase letter_case)
        : vocabulary_(vocabulary),
          lower_(letter_case == LetterCase::Lower),
          trie_(all_tokens(vocabulary)),
          continuation_(trie_.find("##")) {
        for (std::size_t byte = 0; byte < kAscii; ++byte) {
            const bool is_capital = byte >= 'A' && byte <= 'Z';
            ascii_[byte] = static_cast<char>(lower_ && is_capital ? byte + ('a' - 'A') : byte);
        }
    }

    void encode(std::string_view text, std::vector<std::int32_t>& ids) const {
        Word word;
        std::size_t at = 0;
        while (at < text.size()) {
            const auto byte = static_cast<unsigned char>(text[at]);
            if (byte >= kAscii) {
                const Utf8Character character = first_character(text.substr(at));
                add_character(character.point, word, ids);
                at += character.length;
                continue;
            }
            ++at;
            add_classified(byte, characters_.kind(byte), word, ids);
        }
        finish(word, ids);
    }

    [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }

  private:
    /// One character of the normalised text.
    void add_classified(char32_t point, CharacterClass kind, Word& word,
                        std::vector<std::int32_t>& ids) const {
        switch (kind) {
            case CharacterClass::Letter:
            case CharacterClass::Mark:
                put(point, word);
                break;
            case CharacterClass::Drop:
                break;
            case CharacterClass::Space:
                finish(word, ids);
                break;
            case CharacterClass::Punctuation:
            case CharacterClass::Chinese:
                finish(word, ids);
                put(point, word);
                finish(word, ids);
                break;
        }
    }

    void put(char32_t point, Word& word) const {
        if (point < kAscii) {
            word.add_ascii(ascii_[point]);
        } else {
            word.add(point);
        }
    }

    /// One character above ASCII of the raw text.
    void add_character(char32_t point, Word& word, std::vector<std::int32_t>& ids) const {
        const CharacterClass kind = characters_.kind(point);
        if (!lower_ || kind == CharacterClass::Drop || kind == CharacterClass::Space) {
            add_classified(point, kind, word, ids);
            return;
        }
        // The class counts again after the decomposition: U+037E becomes a semicolon. A Chinese
        // character was set apart before it.
        const LowerCharacters lower = characters_.lower(point);
        for (std::size_t i = 0; i < lower.count; ++i) {
            const char32_t part = lower.points[i];
            add_classified(part, kind == CharacterClass::Chinese ? kind : characters_.kind(part),
                           word, ids);
        }
    }

    /// Greedy longest match over the collected word, which is empty afterwards.
    void finish(Word& word, std::vector<std::int32_t>& ids) const {
        if (word.is_empty()) {
            return;
        }
        const std::size_t before = ids.size();
        std::string_view rest = word.text();
        PieceTrie::Node from = trie_.root();
        bool is_known = !word.is_too_long();
        while (is_known && !rest.empty()) {
            const PieceTrie::Match match =
                from < 0 ? PieceTrie::Match{} : trie_.longest(rest, from);
            is_known = match.id >= 0;
            ids.push_back(match.id);
            rest.remove_prefix(match.length);
            from = continuation_;
        }
        if (!is_known) {
            ids.resize(before);
            ids.push_back(vocabulary_.special().unknown);
        }
        word.clear();
    }

    const Vocabulary& vocabulary_;
    bool lower_;
    CharacterTable characters_;
    PieceTrie trie_;
    PieceTrie::Node continuation_;
    std::array<char, kAscii> ascii_{};
};

WordPiece::WordPiece(const Vocabulary& vocabulary, LetterCase letter_case)
    : state_(std::make_unique<State>(vocabulary, letter_case)) {}
WordPiece::~WordPiece() = default;
WordPiece::WordPiece(WordPiece&&) noexcept = default;
WordPiece& WordPiece::operator=(WordPiece&&) noexcept = default;

void WordPiece::encode(std::string_view text, std::vector<std::int32_t>& ids) const {
    state_->encode(text, ids);
}

const Vocabulary& WordPiece::vocabulary() const { return state_->vocabulary(); }

}  // namespace hpml::text
