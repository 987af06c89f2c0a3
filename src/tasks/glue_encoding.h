#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "corpus/batch.h"
#include "text/tokenizer.h"

namespace hpml::tasks {

/// How many tokens of either sentence stay when both must fit into `room`: the longer one gives
/// first, then both alike, as the `longest_first` of Hugging Face's tokenizers.
[[nodiscard]] std::pair<std::size_t, std::size_t> longest_first(std::size_t first,
                                                                std::size_t second,
                                                                std::size_t room);

/// Sentences or pairs as token ids, row after row in flat memory: [CLS] first [SEP] in segment 0,
/// then second [SEP] in segment 1; with a byte-level tokenizer, as RoBERTa has it,
/// <s> first </s> </s> second </s>, all in segment 0.
class EncodedExamples {
  public:
    /// @param max_length  longest row in tokens, special ones included; at least 3 (pairs: 6)
    /// @param tokenizer   outlives this
    EncodedExamples(const text::Tokenizer& tokenizer, std::int64_t max_length);

    void add(std::string_view sentence);
    void add(std::string_view first, std::string_view second);

    [[nodiscard]] std::int64_t size() const {
        return static_cast<std::int64_t>(offsets_.size()) - 1;
    }
    /// Tokens of one row, special ones included.
    [[nodiscard]] std::int64_t length(std::int64_t row) const;
    /// Rows that were cut.
    [[nodiscard]] std::int64_t truncated() const { return truncated_; }
    /// Append the row to `batch` as the sample of that number. No target is added.
    void append_to(corpus::Batch& batch, std::int64_t row) const;

  private:
    [[nodiscard]] bool has_segments() const {
        return tokenizer_.kind() == text::TokenizerKind::WordPiece;
    }
    void append_sentence(std::size_t count, const std::vector<std::int32_t>& ids,
                         std::int32_t segment);

    const text::Tokenizer& tokenizer_;
    std::size_t max_length_;
    std::vector<std::int32_t> tokens_;
    std::vector<std::int32_t> segments_;
    std::vector<std::size_t> offsets_{0};
    std::vector<std::int32_t> first_ids_;
    std::vector<std::int32_t> second_ids_;
    std::int64_t truncated_ = 0;
};

}  // namespace hpml::tasks
