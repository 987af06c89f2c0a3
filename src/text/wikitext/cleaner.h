#pragma once

#include <string>
#include <string_view>

#include "text/wikitext/paragraphs.h"
#include "text/wikitext/scan.h"
#include "text/wikitext/site.h"

namespace hpml::text {

/// Wikitext to the plain paragraphs that a reader sees, in time linear in its length whatever it
/// holds. Templates, tables, lists, files, categories, references and comments are left out; links
/// leave their labels, formulas a placeholder "formula_N", headings a line with a full stop above
/// the first paragraph of their section. What is never closed leaves its text.
class WikitextCleaner {
  public:
    /// @param site  stays valid while the cleaner is used
    explicit WikitextCleaner(const WikiSite& site) : site_(site) {}

    /// Append the paragraphs of a page, each ending in LF.
    /// @param page  UTF-8; invalid bytes pass through
    void clean(std::string_view page, std::string& text);

  private:
    void begin_line();
    void end_line();
    void break_line(std::size_t next);
    void at_special();
    void at_brace();
    void at_link();
    void at_bracket();
    void at_closing_bracket();
    void at_tag();
    void at_quote();
    void at_entity();
    void at_underscore();
    void put_decoded(std::string_view text);
    void put_target(std::string_view target, bool is_trick);
    void drop_element(const Tag& tag);
    [[nodiscard]] char ahead(std::size_t distance) const {
        return at_ + distance < page_.size() ? page_[at_ + distance] : '\0';
    }

    const WikiSite& site_;
    Scan scan_;
    Paragraphs lines_;
    std::string_view page_;
    std::size_t at_ = 0;
    LineKind kind_ = LineKind::Text;
    int open_links_ = 0;        ///< "[[target|" of this line whose "]]" is to come
    int open_external_ = 0;     ///< likewise "[http://... "
    int formulas_ = 0;          ///< of the page
    bool is_in_table_ = false;  ///< behind a "{|" that is never closed
};

}  // namespace hpml::text
