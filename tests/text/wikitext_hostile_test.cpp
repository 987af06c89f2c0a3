#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <ctime>
#include <string>

#include "support/slowdown.h"
#include "text/wikitext/cleaner.h"

namespace hpml::text {
namespace {

/// Seconds of the processor to clean `size` bytes of a pattern, the faster of two: what else runs
/// on the machine does not count.
double seconds_for(const std::string& pattern, std::size_t size, const std::string& end) {
    std::string page;
    page.reserve(size + pattern.size() + end.size());
    while (page.size() < size) {
        page += pattern;
    }
    page += end;
    const WikiSite site;
    WikitextCleaner cleaner(site);
    double best = 1e30;
    for (int round = 0; round < 2; ++round) {
        std::string text;
        const std::clock_t start = std::clock();
        cleaner.clean(page, text);
        best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    }
    return best;
}

BOOST_AUTO_TEST_SUITE(wikitext_hostile)

// Quadratic work would take 16 times as long for 4 times the bytes; and what takes a millisecond
// cannot be told from noise, and need not be.
BOOST_AUTO_TEST_CASE(time_is_linear_whatever_is_left_open) {
    constexpr std::size_t kSmall = 64 << 10;
    for (const char* pattern :
         {"{{",       "{{{",           "[[",       "{{{{[[[[",   "[[File:", "[[a|",     "{|\n",
          "\n{|",     "<ref>",         "<ref",     "<b ",        "<table>", "<!--",     "<!-",
          "<nowiki>", "<math>",        "[http://", "[http://a ", "''",      "&",        "&#",
          "__",       "__A",           "= ",       "\n==",       "\n==a==", "\n*",      "}}",
          "]]",       "|}\n",          "{{<ref>",  "{{a}} {{",   "{{<!--",  "[[a]] [[", "</ref>",
          "<ul>",     "<ul></ol>",     "{{ {",     "(,",         "( ",      "  ",       "[[a:",
          "{{{{{}}}", "<ref>{{</ref>", "[[File:[", "\n:{|\n",    "<div>"}) {
        for (const char* end : {"", "}}", "]]", "\n|}", "</ref>", "</ul>"}) {
            const double small = seconds_for(pattern, kSmall, end);
            const double large = seconds_for(pattern, 4 * kSmall, end);
            BOOST_TEST(large < std::max(10 * small, 0.5 * test::kSlowdown),
                       pattern << " then " << end << ": " << small << " s, then " << large << " s");
        }
    }
}

BOOST_AUTO_TEST_CASE(ten_megabytes_of_open_brackets_take_no_second) {
    BOOST_TEST(seconds_for("{{{{[[[[", 10 << 20, "") < 20.0 * test::kSlowdown);
    BOOST_TEST(seconds_for("<ref>{{[[File:{|\n", 10 << 20, "") < 20.0 * test::kSlowdown);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::text
