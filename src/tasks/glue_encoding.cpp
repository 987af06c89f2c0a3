#include "tasks/glue_encoding.h"

#include <algorithm>
#include <span>

#include "base/error.h"

namespace hpml::tasks {

std::pair<std::size_t, std::size_t> longest_first(std::size_t first, std::size_t second,
                                                  std::size_t room) {
    if (first + second <= room) {
        return {first, second};
    }
    const std::size_t shorter = std::min(first, second);
    std::size_t kept_shorter = shorter;
    std::size_t kept_longer = shorter > room ? shorter : std::max(shorter, room - shorter);
    if (kept_shorter + kept_longer > room) {
        kept_shorter = room / 2;
        kept_longer = kept_shorter + room % 2;
    }
    return first > second ? std::pair(kept_longer, kept_shorter)
                          : std::pair(kept_shorter, kept_longer);
}

EncodedExamples::EncodedExamples(const text::Tokenizer& tokenizer, std::int64_t max_length)
    : tokenizer_(tokenizer), max_length_(static_cast<std::size_t>(max_length)) {
    expects(max_length >= 3, "rows of at least [CLS], one token and [SEP]");
}

void EncodedExamples::add(std::string_view sentence) {
    first_ids_.clear();
    tokenizer_.encode(sentence, first_ids_);
    const std::size_t count = std::min(first_ids_.size(), max_length_ - 2);
    truncated_ += count < first_ids_.size() ? 1 : 0;
    append_sentence(count, first_ids_, 0);
    offsets_.push_back(tokens_.size());
}

void EncodedExamples::add(std::string_view first, std::string_view second) {
    const std::size_t special = has_segments() ? 3 : 4;
    expects(max_length_ >= special + 2, "pairs of at least the special and two tokens");
    first_ids_.clear();
    second_ids_.clear();
    tokenizer_.encode(first, first_ids_);
    tokenizer_.encode(second, second_ids_);
    const auto [kept_first, kept_second] =
        longest_first(first_ids_.size(), second_ids_.size(), max_length_ - special);
    truncated_ += kept_first + kept_second < first_ids_.size() + second_ids_.size() ? 1 : 0;
    append_sentence(kept_first, first_ids_, 0);
    if (!has_segments()) {
        tokens_.push_back(tokenizer_.special().sep);
    }
    append_sentence(kept_second, second_ids_, 1);
    offsets_.push_back(tokens_.size());
}

void EncodedExamples::append_sentence(std::size_t count, const std::vector<std::int32_t>& ids,
                                      std::int32_t segment) {
    const text::SpecialTokens& special = tokenizer_.special();
    if (segment == 0) {
        tokens_.push_back(special.cls);
    }
    tokens_.insert(tokens_.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count));
    tokens_.push_back(special.sep);
    segments_.resize(tokens_.size(), has_segments() ? segment : 0);
}

std::int64_t EncodedExamples::length(std::int64_t row) const {
    const auto index = static_cast<std::size_t>(row);
    return static_cast<std::int64_t>(offsets_.at(index + 1) - offsets_.at(index));
}

void EncodedExamples::append_to(corpus::Batch& batch, std::int64_t row) const {
    const std::size_t begin = offsets_.at(static_cast<std::size_t>(row));
    const auto count = static_cast<std::size_t>(length(row));
    batch.append(row, std::span(tokens_).subspan(begin, count),
                 std::span(segments_).subspan(begin, count));
}

}  // namespace hpml::tasks
