#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "text/letter_case.h"
#include "text/special_tokens.h"

namespace hpml::text {

enum class TokenizerKind { WordPiece, BytePair };

/// "wordpiece" or "byte-level-bpe", as manifests write it.
[[nodiscard]] std::string_view name_of(TokenizerKind kind);
/// @throw InputError for a name of none
[[nodiscard]] TokenizerKind tokenizer_kind(std::string_view name);
/// The files that Tokenizer::files gives.
[[nodiscard]] std::vector<std::string> file_names(TokenizerKind kind);

/// How a WordPiece tokenizer treats capitals and accents.
enum class CaseChoice {
    Auto,  ///< as its tokenizer.json or tokenizer_config.json says; lower where there is none
    Keep,
    Lower,
};

/// One file of a tokenizer, to be copied beside what was made with it.
struct TokenizerFile {
    std::string name;
    std::string text;
};

/// Text to token ids, of any kind; ids identical to those of Hugging Face's tokenizers, without
/// the special tokens that they add and without looking for special tokens in the text.
class Tokenizer {
  public:
    virtual ~Tokenizer() = default;
    Tokenizer(const Tokenizer&) = delete;
    Tokenizer& operator=(const Tokenizer&) = delete;
    Tokenizer(Tokenizer&&) = delete;
    Tokenizer& operator=(Tokenizer&&) = delete;

    [[nodiscard]] virtual TokenizerKind kind() const = 0;
    /// Append the ids of `text` to `ids`; never a special one, but [UNK]. Safe to call from several
    /// threads.
    virtual void encode(std::string_view text, std::vector<std::int32_t>& ids) const = 0;
    /// Readable text of ids, special tokens by their names: for people, not to be encoded again.
    [[nodiscard]] virtual std::string decode(std::span<const std::int32_t> ids) const = 0;

    [[nodiscard]] virtual std::int32_t size() const = 0;
    [[nodiscard]] virtual const SpecialTokens& special() const = 0;
    /// The token of an id below size(), as its file writes it.
    [[nodiscard]] virtual const std::string& token(std::int32_t id) const = 0;
    /// Whether a token goes on with the word of the token before it: WordPiece's "##"; of a
    /// byte-level tokenizer what does not begin with a space. Never for a special one.
    [[nodiscard]] virtual bool continues_word(std::int32_t id) const = 0;
    /// Keep for byte-level tokenizers.
    [[nodiscard]] virtual LetterCase letter_case() const = 0;
    /// Of all that decides the ids but the letter case.
    [[nodiscard]] virtual Digest hash() const = 0;
    /// A folder with these files gives this tokenizer again, here and in Hugging Face's library.
    [[nodiscard]] virtual std::vector<TokenizerFile> files() const = 0;

  protected:
    Tokenizer() = default;
};

/// Read a tokenizer: a folder with tokenizer.json, or vocab.txt, or vocab.json and merges.txt (the
/// first of these that is there), or one of these files.
/// @throw MissingInputError; InputError naming file and place, also for a tokenizer.json of another
/// kind; UsageError if `choice` contradicts a tokenizer.json
[[nodiscard]] std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path,
                                                        CaseChoice choice);

}  // namespace hpml::text
