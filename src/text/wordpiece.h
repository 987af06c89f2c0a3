#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace hpml::text {

/// BERT's own tokenizer: its normaliser, its pre-tokeniser and greedy longest-match WordPiece (at
/// most 100 characters a word, else [UNK]); ids identical to Hugging Face's BertTokenizer, no
/// special tokens added. "[MASK]" in the text is three words, never the special token: a corpus
/// cannot forge one.
class WordPiece {
  public:
    /// @param vocabulary  must outlive this
    WordPiece(const Vocabulary& vocabulary, LetterCase letter_case);
    ~WordPiece();
    WordPiece(WordPiece&&) noexcept;
    WordPiece& operator=(WordPiece&&) noexcept;
    WordPiece(const WordPiece&) = delete;
    WordPiece& operator=(const WordPiece&) = delete;

    /// Append the ids of `text` to `ids`. An invalid byte of UTF-8 reads as U+FFFD, which BERT's
    /// normaliser removes. Safe to call from several threads.
    void encode(std::string_view text, std::vector<std::int32_t>& ids) const;
    [[nodiscard]] const Vocabulary& vocabulary() const;

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace hpml::text
