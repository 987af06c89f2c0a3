#include "corpus/loader_bench.h"

#include "base/clock.h"
#include "base/error.h"
#include "corpus/data_folder.h"

namespace hpml::corpus {

LoaderRates measure_loader(const std::filesystem::path& data, LoaderOptions options,
                           std::int64_t micro_batches) {
    expects(micro_batches > 0, "micro-batches to read");
    const Stopwatch open_watch;
    const Manifest manifest = read_manifest(data);
    const auto tokenizer = read_tokenizer(data, manifest);
    const double rate = options.masking.rate;
    options.masking = masking_for(*tokenizer, MaskWhole::Tokens);
    options.masking.rate = rate;
    Loader loader(data, manifest, options);
    LoaderRates rates;
    rates.micro_batches = micro_batches;
    rates.opening = open_watch.elapsed();

    const Stopwatch first_watch;
    (void)loader.next();
    rates.first_batch = first_watch.elapsed();

    const Seconds stalled = loader.stalled();
    const Stopwatch read_watch;
    for (std::int64_t i = 0; i < micro_batches; ++i) {
        rates.tokens += Tokens(static_cast<std::int64_t>(loader.next().token_count()));
    }
    rates.reading = read_watch.elapsed();
    rates.stalled = loader.stalled() - stalled;
    rates.tokens_per_second = static_cast<double>(rates.tokens.value) / rates.reading.value;
    return rates;
}

}  // namespace hpml::corpus
