#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "text/bert_words.h"
#include "text/byte_level_splitter.h"
#include "text/tokenizer.h"
#include "text/word_counts.h"

namespace hpml::text {

struct VocabularyOptions {
    TokenizerKind kind = TokenizerKind::WordPiece;
    std::int64_t size = 30522;     ///< tokens, special ones included
    std::int64_t least_count = 2;  ///< a pair that occurs less often is not joined
    std::int64_t alphabet = 1000;  ///< WordPiece: most characters, the most frequent ones
    LetterCase letter_case = LetterCase::Lower;     ///< WordPiece
    std::size_t most_words = std::size_t{1} << 20;  ///< different words that are counted at once
};

/// Makes a vocabulary from documents: byte-pair encoding over words, for WordPiece too, as Hugging
/// Face's trainers do it. The same documents give the same vocabulary, in any order if there is
/// room for all their words.
class VocabularyTrainer {
  public:
    explicit VocabularyTrainer(const VocabularyOptions& options);

    void add(std::string_view document);
    /// Words of which fewer occurrences than this may have been missed.
    [[nodiscard]] std::int64_t forgotten() const { return counts_.forgotten(); }
    /// WordPiece with [PAD] [UNK] [CLS] [SEP] [MASK] as ids 0 to 4, or byte-level BPE with <s>
    /// <pad> </s> <unk> <mask>; then the alphabet, then what was joined.
    /// @throw InputError if there is no word; UsageError if the size leaves no room beside the
    /// alphabet
    [[nodiscard]] std::unique_ptr<Tokenizer> train() const;

  private:
    [[nodiscard]] std::unique_ptr<Tokenizer> train_word_piece() const;
    [[nodiscard]] std::unique_ptr<Tokenizer> train_byte_pair() const;
    void check_size(std::size_t tokens) const;

    VocabularyOptions options_;
    BertWords bert_;
    ByteLevelSplitter splitter_;
    WordCounts counts_;
};

}  // namespace hpml::text
