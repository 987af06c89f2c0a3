#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "text/byte_source.h"
#include "text/wikitext/site.h"

namespace hpml::text {

/// A page of a dump, with its last revision.
struct DumpPage {
    std::string title;
    std::int64_t namespace_number = 0;
    bool is_redirect = false;
    bool is_wikitext = true;  ///< false for style sheets, scripts, ... (the revision's model)
    bool has_text = false;    ///< false if there is no revision, or its text was deleted
    bool is_cut = false;      ///< the text was longer than kLongestDocument
    std::string text;         ///< empty where the namespace is not 0 or the page is a redirect
};

/// Where the XML of a dump begins and ends.
struct DumpBounds {
    bool begins_file = true;  ///< else at a <page>, without the document's begin
    bool ends_file = true;    ///< with the document's end, else before a <page>
};

/// The pages of MediaWiki's XML export, version 0.6 or later, pulled one by one from expat with
/// buffers of fixed size. A DOCTYPE is refused, so there are no entities to expand; so is markup of
/// more than a mebibyte in one tag and elements nested deeper than a dump's.
class DumpPages {
  public:
    DumpPages(std::unique_ptr<ByteSource> source, DumpBounds bounds);
    ~DumpPages();
    DumpPages(DumpPages&&) noexcept;
    DumpPages& operator=(DumpPages&&) noexcept;
    DumpPages(const DumpPages&) = delete;
    DumpPages& operator=(const DumpPages&) = delete;

    /// @return false at the end
    /// @throw InputError naming the file and about where, for what is no well-formed dump; what the
    /// source throws
    [[nodiscard]] bool next(DumpPage& page);
    /// The namespaces that the head of a dump names. @param source  a dump from its begin
    /// @throw as `next` does
    [[nodiscard]] static WikiSite read_site(std::unique_ptr<ByteSource> source);

  private:
    struct Parse;
    std::unique_ptr<Parse> parse_;
};

}  // namespace hpml::text
