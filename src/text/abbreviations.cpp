#include "text/abbreviations.h"

#include <unicode/udata.h>
#include <unicode/unistr.h>
#include <unicode/ures.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "base/error.h"

namespace hpml::text {

namespace {

struct CloseBundle {
    void operator()(UResourceBundle* bundle) const { ures_close(bundle); }
};
using Bundle = std::unique_ptr<UResourceBundle, CloseBundle>;

void check(UErrorCode status) {
    if (U_FAILURE(status) != 0) {
        throw ResourceError(std::string("ICU has no English abbreviations (") +
                            u_errorName(status) +
                            ": sentences cannot be told apart); install ICU's full data");
    }
}

/// ICU's forward match: it goes on as long as a longer one may come, and forgets the shorter.
bool begins_with_one(std::string_view text, const std::vector<std::string>& whole) {
    return std::any_of(whole.begin(), whole.end(), [&](const std::string& one) {
        if (!text.starts_with(one)) {
            return false;
        }
        const bool is_last =
            std::none_of(whole.begin(), whole.end(), [&](const std::string& other) {
                return other.size() > one.size() && other.starts_with(one);
            });
        return is_last || text.size() == one.size();
    });
}

}  // namespace

Abbreviations::Abbreviations(const std::vector<std::string>& list) {
    std::map<std::string, std::vector<std::string>> families;  // by what stands up to a period
    for (const std::string& one : list) {
        expects(one.size() > 1 && one.ends_with('.'), "abbreviations that end in a period");
        families[one.substr(0, one.find('.') + 1)].push_back(one);
    }
    for (auto& [begin, members] : families) {
        const auto last = static_cast<unsigned char>(begin[begin.size() - 2]);
        if (members == std::vector<std::string>{begin}) {
            members.clear();
        }
        by_last_letter_[last].push_back({begin, std::move(members)});
    }
    for (auto& endings : by_last_letter_) {
        std::stable_sort(endings.begin(), endings.end(), [](const Ending& a, const Ending& b) {
            return a.text.size() > b.text.size();
        });
    }
}

Abbreviations Abbreviations::english() {
    UErrorCode status = U_ZERO_ERROR;
    const std::string package = std::string(U_ICUDATA_NAME) + "-brkitr";
    const Bundle english(ures_open(package.c_str(), "en", &status));
    const Bundle exceptions(ures_getByKey(english.get(), "exceptions", nullptr, &status));
    const Bundle found(ures_getByKey(exceptions.get(), "SentenceBreak", nullptr, &status));
    check(status);
    std::vector<std::string> list;
    for (std::int32_t i = 0; i < ures_getSize(found.get()); ++i) {
        std::int32_t length = 0;
        const UChar* text = ures_getStringByIndex(found.get(), i, &length, &status);
        check(status);
        icu::UnicodeString(text, length).toUTF8String(list.emplace_back());
    }
    return Abbreviations(list);
}

bool Abbreviations::suppress(std::string_view text, std::size_t end) const {
    std::string_view before = text.substr(0, end);
    if (before.ends_with(' ')) {  // ICU leaves out one, no more
        before.remove_suffix(1);
    }
    if (before.size() < 2 || before.back() != '.') {
        return false;
    }
    for (const Ending& ending :
         by_last_letter_[static_cast<unsigned char>(before[before.size() - 2])]) {
        if (before.ends_with(ending.text)) {
            return ending.whole.empty() ||
                   begins_with_one(text.substr(before.size() - ending.text.size()), ending.whole);
        }
    }
    return false;
}

}  // namespace hpml::text
