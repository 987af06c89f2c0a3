#include "text/word_counts.h"

#include <algorithm>

namespace hpml::text {

void WordCounts::add(std::string_view word) {
    const auto found = counts_.find(word);
    if (found != counts_.end()) {
        ++found->second;
        return;
    }
    counts_.emplace(word, 1);
    while (counts_.size() > most_) {
        ++floor_;
        std::erase_if(counts_, [&](const auto& entry) { return entry.second <= floor_; });
    }
}

std::vector<std::pair<std::string, std::int64_t>> WordCounts::sorted() const {
    std::vector<std::pair<std::string, std::int64_t>> words(counts_.begin(), counts_.end());
    std::sort(words.begin(), words.end(), [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    return words;
}

}  // namespace hpml::text
