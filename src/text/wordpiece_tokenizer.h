#pragma once

#include "text/tokenizer.h"
#include "text/vocabulary.h"
#include "text/wordpiece.h"

namespace hpml::text {

/// The text of BERT's tokenizer_config.json.
[[nodiscard]] std::string word_piece_config(bool lower_case);

/// WordPiece with its vocabulary, behind the common interface.
class WordPieceTokenizer final : public Tokenizer {
  public:
    WordPieceTokenizer(Vocabulary vocabulary, LetterCase letter_case);

    [[nodiscard]] TokenizerKind kind() const override { return TokenizerKind::WordPiece; }
    void encode(std::string_view text, std::vector<std::int32_t>& ids) const override {
        encoder_.encode(text, ids);
    }
    [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const override;
    [[nodiscard]] std::int32_t size() const override { return vocabulary_.size(); }
    [[nodiscard]] const SpecialTokens& special() const override { return vocabulary_.special(); }
    [[nodiscard]] const std::string& token(std::int32_t id) const override {
        return vocabulary_.token(id);
    }
    [[nodiscard]] bool continues_word(std::int32_t id) const override {
        return token(id).starts_with("##");
    }
    [[nodiscard]] LetterCase letter_case() const override { return letter_case_; }
    /// Of vocab.txt.
    [[nodiscard]] Digest hash() const override { return vocabulary_.hash(); }
    [[nodiscard]] std::vector<TokenizerFile> files() const override;

  private:
    Vocabulary vocabulary_;
    LetterCase letter_case_;
    WordPiece encoder_;
};

}  // namespace hpml::text
