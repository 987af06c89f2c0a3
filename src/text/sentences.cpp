#include "text/sentences.h"

#include "text/sentence_scanner.h"

namespace hpml::text {

void SentenceSplitter::split(std::string_view text, std::vector<std::uint32_t>& ends) const {
    ends.clear();
    SentenceScanner scanner(classes_, text);
    while (!scanner.is_done()) {
        const std::size_t end = scanner.next();
        if (scanner.is_done() || !abbreviations_.suppress(text, end)) {
            ends.push_back(static_cast<std::uint32_t>(end));
        }
    }
}

}  // namespace hpml::text
