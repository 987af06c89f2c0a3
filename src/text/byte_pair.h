#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hpml::text {

/// What a byte-level byte-pair encoding is made of.
struct BytePairParts {
    /// A token's index is its id. Its bytes are written as GPT-2 does: printable ones of Latin-1 as
    /// themselves, the others as the characters from U+0100 on.
    std::vector<std::string> tokens;
    std::vector<std::pair<std::string, std::string>> merges;  ///< by rank
    bool adds_prefix_space = false;  ///< before a text that does not begin with one
};

/// GPT-2's byte-level byte-pair encoding (Radford et al. 2019; Sennrich et al. 2016); ids identical
/// to Hugging Face's, no special tokens added. "<mask>" in the text is three words, never the
/// special token: a corpus cannot forge one.
class BytePairEncoder {
  public:
    /// @param name  what to call the parts in messages
    /// @throw InputError for a byte without a token, and for a merge whose tokens or whose result
    /// are not in the vocabulary or that stands twice
    BytePairEncoder(const BytePairParts& parts, const std::string& name);
    ~BytePairEncoder();
    BytePairEncoder(BytePairEncoder&&) noexcept;
    BytePairEncoder& operator=(BytePairEncoder&&) noexcept;
    BytePairEncoder(const BytePairEncoder&) = delete;
    BytePairEncoder& operator=(const BytePairEncoder&) = delete;

    /// Append the ids of `text` to `ids`. An invalid byte of UTF-8 reads as U+FFFD. Safe to call
    /// from several threads.
    void encode(std::string_view text, std::vector<std::int32_t>& ids) const;

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace hpml::text
