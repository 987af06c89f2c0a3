#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/abbreviations.h"
#include "text/sentence_classes.h"

namespace hpml::text {

/// Sentence boundaries as ICU finds them with its English suppressions: Unicode Standard Annex 29
/// and no boundary behind "Mr.", with the classes and abbreviations that ICU's data name, by a
/// scanner of ours. `IcuSentences` is what it is held against.
class SentenceSplitter {
  public:
    /// @throw ResourceError if ICU's break data for English are not there
    SentenceSplitter() : abbreviations_(Abbreviations::english()) {}

    /// Replace `ends` by the sentences' ends as byte offsets, rising; the last one is the text's
    /// size. Blanks and line ends belong to the sentence before them; a line end always ends one.
    /// Takes linear time and allocates nothing but room in `ends`. Safe to call from several
    /// threads.
    /// @param text  below 2^31 bytes; an invalid byte of UTF-8 is a character of no class
    void split(std::string_view text, std::vector<std::uint32_t>& ends) const;

  private:
    SentenceClasses classes_;
    Abbreviations abbreviations_;
};

}  // namespace hpml::text
