#pragma once

#include "text/byte_alphabet.h"
#include "text/byte_pair.h"
#include "text/tokenizer.h"

namespace hpml::text {

/// Byte-level byte-pair encoding with its vocabulary, behind the common interface.
class BytePairTokenizer final : public Tokenizer {
  public:
    /// @param name  what to call the parts in messages @throw InputError as BytePairEncoder
    BytePairTokenizer(BytePairParts parts, const std::string& name);

    [[nodiscard]] TokenizerKind kind() const override { return TokenizerKind::BytePair; }
    void encode(std::string_view text, std::vector<std::int32_t>& ids) const override {
        encoder_.encode(text, ids);
    }
    [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const override;
    [[nodiscard]] std::int32_t size() const override {
        return static_cast<std::int32_t>(parts_.tokens.size());
    }
    [[nodiscard]] const SpecialTokens& special() const override { return special_; }
    [[nodiscard]] const std::string& token(std::int32_t id) const override {
        return parts_.tokens.at(static_cast<std::size_t>(id));
    }
    [[nodiscard]] bool continues_word(std::int32_t id) const override {
        return !special_.contains(id) && !token(id).starts_with(alphabet_.character(' '));
    }
    [[nodiscard]] LetterCase letter_case() const override { return LetterCase::Keep; }
    /// Of vocab.json and merges.txt as files() gives them, and of the prefix space if there is one.
    [[nodiscard]] Digest hash() const override { return hash_; }
    [[nodiscard]] std::vector<TokenizerFile> files() const override;

  private:
    [[nodiscard]] std::string vocabulary_text() const;
    [[nodiscard]] std::string merges_text() const;

    BytePairParts parts_;
    BytePairEncoder encoder_;
    ByteAlphabet alphabet_;
    SpecialTokens special_;
    Digest hash_;
};

}  // namespace hpml::text
