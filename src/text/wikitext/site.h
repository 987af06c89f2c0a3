#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hpml::text {

/// What a wiki calls the namespaces whose links show no text where they stand.
class WikiSite {
  public:
    /// Knows the canonical English names and the older names of some wikis.
    WikiSite();
    /// @param number  as in a dump's siteinfo; only files, media and categories matter
    void add_namespace(int number, std::string_view name);
    /// Whether "prefix:..." in a link is a file, a medium, a category, or a page in another
    /// language.
    [[nodiscard]] bool hides(std::string_view prefix) const;

  private:
    std::vector<std::string> hidden_;  ///< lower case
};

}  // namespace hpml::text
