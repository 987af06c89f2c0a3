#include <cstdlib>
#include <string>

#include "text/wikitext/cleaner.h"

/// Whatever a page holds, cleaning ends, gives whole lines, and not many more bytes than it takes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const hpml::text::WikiSite site;
    hpml::text::WikitextCleaner cleaner(site);
    std::string text;
    cleaner.clean({reinterpret_cast<const char*>(data), size}, text);
    if ((!text.empty() && text.back() != '\n') || text.size() > 4 * size + 64) {
        std::abort();
    }
    return 0;
}
