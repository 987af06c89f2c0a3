#include "text/tokenizer_bench.h"

#include <algorithm>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "text/documents.h"

namespace hpml::text {

TokenizerRates measure_tokenizer(const Tokenizer& tokenizer,
                                 const std::vector<std::filesystem::path>& files,
                                 std::int64_t passes) {
    expects(passes > 0, "passes over the text");
    TokenizerRates rates;
    std::vector<std::string> texts;
    for (const std::filesystem::path& file : files) {
        const DocumentFile source(file, {});
        const auto reader = source.open();
        Document document;
        while (reader->next(document)) {
            rates.bytes += Bytes(document.text.size());
            texts.push_back(std::move(document.text));
        }
    }
    rates.documents = static_cast<std::int64_t>(texts.size());
    std::vector<double> seconds;
    std::vector<std::int32_t> ids;
    for (std::int64_t pass = 0; pass < passes; ++pass) {
        rates.tokens = 0;
        const Stopwatch watch;
        for (const std::string& text : texts) {
            ids.clear();
            tokenizer.encode(text, ids);
            rates.tokens += static_cast<std::int64_t>(ids.size());
        }
        seconds.push_back(watch.elapsed().value);
    }
    std::sort(seconds.begin(), seconds.end());
    rates.best = Seconds(seconds.front());
    rates.median = Seconds(seconds[seconds.size() / 2]);
    return rates;
}

}  // namespace hpml::text
