#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "text/wikitext/tags.h"

namespace hpml::text {

/// Where the constructs of a page end. Answers are positions behind the construct, or npos for one
/// that is never closed. All answers of a page together cost time proportional to its length,
/// however its constructs are nested: what is known to be unclosed is not looked for again, and
/// after a few vain looks through the whole page a kind of construct counts as unclosed.
class Scan {
  public:
    static constexpr std::size_t npos = std::string_view::npos;

    /// Begin a page. @param page  stays valid while it is scanned
    void begin(std::string_view page);
    /// Of the "{{" at `at`: templates within it, comments and opaque elements are passed over.
    [[nodiscard]] std::size_t template_end(std::size_t at);
    /// Of the "{|" at `at`: the "|}" at the begin of a line that belongs to it.
    [[nodiscard]] std::size_t table_end(std::size_t at);
    /// Of the "[[" at `at`, with the links within it.
    [[nodiscard]] std::size_t link_end(std::size_t at);
    /// Of the element that `open` begins: behind its closing tag.
    [[nodiscard]] std::size_t element_end(const Tag& open);
    /// Of the "<!--" at `at`: an unclosed comment lasts to the end of the page.
    [[nodiscard]] std::size_t comment_end(std::size_t at) const;

  private:
    [[nodiscard]] std::size_t pass_opaque(std::size_t at);
    [[nodiscard]] std::size_t nested_element_end(const Tag& open);

    std::string_view page_;
    std::vector<std::size_t> open_;      ///< of the scan that runs
    std::vector<std::size_t> unclosed_;  ///< "{{" that no "}}" closes, rising
    int vain_templates_ = 0;
    int vain_tables_ = 0;
    int vain_links_ = 0;
    std::array<std::size_t, kTagNames> unclosed_from_{};  ///< no closing tag at or behind this
};

}  // namespace hpml::text
