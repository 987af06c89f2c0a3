#include "apps/hpml_bench_commands.h"
#include "base/error.h"
#include "base/megabytes.h"
#include "text/tokenizer_bench.h"

namespace hpml {

Json bench_tokenizer(const BenchOptions& options, const Log& log) {
    if (options.vocabulary.empty() || options.text.empty()) {
        throw UsageError(
            "tokenizer needs --vocab and --text (a tokenizer and what it encodes); e.g. --vocab "
            "vocab.txt --text extracted/AA/wiki_00");
    }
    const auto tokenizer = text::load_tokenizer(options.vocabulary, text::CaseChoice::Auto);
    const auto rates = text::measure_tokenizer(*tokenizer, options.text, options.passes);
    log.info(
        "{}, {} tokens in the vocabulary: {:.1f} MB/s on one core ({} documents, {:.1f} MB, {} "
        "ids; {} passes, the best {:.1f} MB/s)",
        text::name_of(tokenizer->kind()), tokenizer->size(), rates.megabytes_per_second(),
        rates.documents, megabytes(rates.bytes), rates.tokens, options.passes,
        megabytes(rates.bytes) / rates.best.value);
    return {{"tokenizer", text::name_of(tokenizer->kind())},
            {"documents", rates.documents},
            {"bytes", rates.bytes.value},
            {"tokens", rates.tokens},
            {"best_seconds", rates.best.value},
            {"median_seconds", rates.median.value},
            {"megabytes_per_second", rates.megabytes_per_second()}};
}

}  // namespace hpml
