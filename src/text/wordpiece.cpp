#include "text/wordpiece.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "text/bert_words.h"
#include "text/id_sink.h"
#include "text/piece_trie.h"
#include "text/word_table.h"

namespace hpml::text {

namespace {

constexpr std::size_t kAscii = 128;

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
          bert_(letter_case),
          trie_(all_tokens(vocabulary)),
          continuation_(trie_.find("##")),
          words_(static_cast<std::size_t>(vocabulary.size())) {
        for (std::size_t byte = 0; byte < kAscii; ++byte) {
            const std::int32_t id = vocabulary.find(std::string(1, static_cast<char>(byte)));
            ascii_ids_[byte] = id >= 0 ? id : vocabulary.special().unknown;
        }
        for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
            const std::string& token = vocabulary.token(id);
            if (token.size() <= WordKey::kLongest && ascii_run(token, 0).length == token.size()) {
                words_.add(WordKey::of(token), id);
            }
        }
    }

    void encode(std::string_view text, std::vector<std::int32_t>& ids) const {
        IdSink sink(ids);
        BertWord word;
        const auto add_word = [&](const BertWord& one) {
            if (one.is_too_long()) {
                sink.push(vocabulary_.special().unknown);
            } else {
                add_pieces(one.text(), sink);
            }
        };
        std::size_t at = 0;
        // Here a word may begin. Most are short ASCII words and single signs; whatever is not goes
        // character by character up to its end.
        while (at < text.size()) {
            const AsciiRun run = ascii_run(text, at);
            if (run.length == 0) {
                const auto byte = static_cast<unsigned char>(text[at]);
                const CharacterClass kind =
                    byte < kAscii ? bert_.ascii_kind(byte) : CharacterClass::Letter;
                if (kind == CharacterClass::Space || kind == CharacterClass::Punctuation) {
                    if (kind == CharacterClass::Punctuation) {
                        sink.push(ascii_ids_[byte]);
                    }
                    ++at;
                    continue;
                }
            } else if (run.length <= WordKey::kLongest && ends_word(text, at + run.length)) {
                add_ascii_word(run, sink);
                at += run.length;
                continue;
            }
            at = bert_.next(text, at, word, add_word);
        }
        sink.flush();
    }

    [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }

  private:
    /// ASCII letters and digits, normalised; of a run longer than 16 bytes the first 16.
    struct AsciiRun {
        std::uint64_t low = 0;
        std::uint64_t high = 0;
        std::size_t length = 0;
    };

    [[nodiscard]] AsciiRun ascii_run(std::string_view text, std::size_t at) const {
        char tail[16] = {};
        const char* bytes = text.data() + at;
        if (text.size() - at < sizeof(tail)) {
            std::memcpy(tail, bytes, text.size() - at);
            bytes = tail;
        }
        AsciiRun run{load_eight(bytes), load_eight(bytes + 8), 0};
        const std::uint64_t letters = ascii_letters(run.low);
        run.length = leading(letters | ascii_digits(run.low));
        run.low |= letters >> 2 & fold();
        if (run.length == 8) {
            const std::uint64_t more = ascii_letters(run.high);
            run.length += leading(more | ascii_digits(run.high));
            run.high |= more >> 2 & fold();
        }
        return run;
    }
    /// Bytes from the first one on whose highest bit is set in `mask`.
    [[nodiscard]] static std::size_t leading(std::uint64_t mask) {
        return static_cast<std::size_t>(std::countr_zero(~mask & 0x8080808080808080u)) / 8;
    }
    [[nodiscard]] std::uint64_t fold() const { return bert_.lowers() ? ~std::uint64_t{0} : 0; }

    /// Whether a word that has come to `at` ends there whatever follows.
    [[nodiscard]] bool ends_word(std::string_view text, std::size_t at) const {
        if (at == text.size()) {
            return true;
        }
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte >= kAscii) {
            return false;
        }
        const CharacterClass kind = bert_.ascii_kind(byte);
        return kind == CharacterClass::Space || kind == CharacterClass::Punctuation;
    }

    void add_ascii_word(const AsciiRun& run, IdSink& sink) const {
        const std::int32_t id = words_.find(WordKey::of(run.low, run.high, run.length));
        if (id >= 0) {
            sink.push(id);
            return;
        }
        char bytes[16];
        store_eight(run.low, bytes);
        store_eight(run.high, bytes + 8);
        add_pieces({bytes, run.length}, sink);
    }

    /// Greedy longest match over a normalised word, which is not empty.
    void add_pieces(std::string_view word, IdSink& sink) const {
        std::array<std::int32_t, BertWord::kLongest> pieces;
        std::size_t count = 0;
        PieceTrie::Node from = trie_.root();
        while (!word.empty()) {
            const PieceTrie::Match match =
                from < 0 ? PieceTrie::Match{} : trie_.longest(word, from);
            if (match.id < 0) {
                sink.push(vocabulary_.special().unknown);
                return;
            }
            pieces[count++] = match.id;
            word.remove_prefix(match.length);
            from = continuation_;
        }
        for (std::size_t i = 0; i < count; ++i) {
            sink.push(pieces[i]);
        }
    }

    const Vocabulary& vocabulary_;
    BertWords bert_;
    PieceTrie trie_;
    PieceTrie::Node continuation_;
    WordTable words_;
    std::array<std::int32_t, kAscii> ascii_ids_{};  ///< of the byte as a word
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
