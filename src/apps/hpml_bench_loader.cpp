#include "apps/hpml_bench_commands.h"
#include "corpus/loader_bench.h"

namespace hpml {

Json bench_loader(const BenchOptions& options, const mpi::Communicator& ranks, const Log& log) {
    corpus::LoaderRates rates;
    mpi::agree(ranks, [&] {
        corpus::LoaderOptions loader;
        loader.micro_batch = options.step.micro_batch;
        loader.global_batch = options.step.micro_batch * options.step.accumulation;
        loader.masking.rate = options.step.masking_rate;
        rates = corpus::measure_loader(options.data, loader, options.micro_batches);
    });
    log.info(
        "{} micro-batches of {}: {:.2f} M tokens/s on each of {} ranks; opened in {:.1f} ms, the "
        "first batch {:.1f} ms later",
        rates.micro_batches, options.step.micro_batch, rates.tokens_per_second / 1e6, ranks.size(),
        rates.opening.value * 1e3, rates.first_batch.value * 1e3);
    return {{"micro_batches", rates.micro_batches},
            {"tokens", rates.tokens.value},
            {"opening_seconds", rates.opening.value},
            {"first_batch_seconds", rates.first_batch.value},
            {"reading_seconds", rates.reading.value},
            {"stalled_seconds", rates.stalled.value},
            {"tokens_per_second", rates.tokens_per_second}};
}

}  // namespace hpml
