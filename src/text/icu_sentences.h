#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace hpml::text {

/// Sentence boundaries by ICU itself (icu::FilteredBreakIteratorBuilder for English): the reference
/// for SentenceSplitter. One per thread.
class IcuSentences {
  public:
    /// @throw ResourceError if ICU's break data for English are not there
    IcuSentences();
    ~IcuSentences();
    IcuSentences(IcuSentences&&) noexcept;
    IcuSentences& operator=(IcuSentences&&) noexcept;
    IcuSentences(const IcuSentences&) = delete;
    IcuSentences& operator=(const IcuSentences&) = delete;

    /// As SentenceSplitter::split.
    void split(std::string_view text, std::vector<std::uint32_t>& ends);

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace hpml::text
