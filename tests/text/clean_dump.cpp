#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "text/dump_pages.h"
#include "text/wikitext/cleaner.h"

namespace {

using namespace hpml::text;

struct Article {
    std::string title;
    std::string wikitext;
};

std::vector<Article> read_articles(const char* path) {
    DumpPages pages(open_bytes(path), {});
    DumpPage page;
    std::vector<Article> articles;
    while (pages.next(page)) {
        if (page.namespace_number == 0 && !page.is_redirect && page.has_text && page.is_wikitext) {
            articles.push_back({page.title, page.text});
        }
    }
    return articles;
}

/// Clean all articles again and again. @return seconds of the fastest of `rounds`
double clean_all(const std::vector<Article>& articles, const WikiSite& site, int rounds) {
    double best = 1e30;
    WikitextCleaner cleaner(site);
    std::string text;
    for (int round = 0; round < rounds; ++round) {
        const hpml::Stopwatch watch;
        for (const Article& article : articles) {
            text.clear();
            cleaner.clean(article.wikitext, text);
        }
        best = std::min(best, watch.elapsed().value);
    }
    return best;
}

}  // namespace

/// clean_dump DUMP [ROUNDS]: the articles as JSON lines with title and text; with ROUNDS only the
/// fastest time of cleaning them, in seconds, and their bytes of wikitext.
int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "clean_dump DUMP [ROUNDS]\n");
        return 64;
    }
    try {
        const WikiSite site = DumpPages::read_site(open_bytes(argv[1]));
        const std::vector<Article> articles = read_articles(argv[1]);
        if (argc > 2) {
            std::size_t bytes = 0;
            for (const Article& article : articles) {
                bytes += article.wikitext.size();
            }
            std::printf("%.6f %zu\n", clean_all(articles, site, std::atoi(argv[2])), bytes);
            return 0;
        }
        WikitextCleaner cleaner(site);
        std::string text;
        for (const Article& article : articles) {
            text.clear();
            cleaner.clean(article.wikitext, text);
            const hpml::Json line{{"title", article.title}, {"text", text}};
            std::puts(line.dump().c_str());
        }
    } catch (const hpml::Error& error) {
        std::fprintf(stderr, "error: %s\n", error.what());
        return static_cast<int>(error.code());
    }
    return 0;
}
