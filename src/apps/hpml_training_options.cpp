#include "apps/hpml_training_options.h"

#include "comm/reproducible.h"
#include "comm/select.h"
#include "comm/wire.h"

namespace hpml {

namespace {

double in_kib(Bytes size) { return static_cast<double>(size.value) / 1024; }

void add_all_reduce_options(OptionGroup& group, comm::AllReduceOptions& options) {
    group.add("allreduce", options.algorithm, "How gradients are summed over the ranks")
        .choices(comm::algorithm_names())
        .add_words(
            "reproducible", options.reproducible,
            {{"off", comm::Reproducible::Off},
             {"run", comm::Reproducible::Run},
             {"strict", comm::Reproducible::Strict}},
            "What gives the same bits; off: nothing is promised; run: the same command on as "
            "many ranks; strict: also other buckets, chunks and algorithms")
        .add_words(
            "wire", options.wire,
            {{"grad", comm::Wire::Same}, {"bf16", comm::Wire::BF16}, {"fp16", comm::Wire::F16}},
            "Number format of gradients between nodes; grad: their own")
        .advanced()
        .add_size("chunk-kib", options.chunk, kib(1),
                  "What a rank reduces at a time in the node's shared memory")
        .unit("KiB")
        .range(in_kib(comm::kLeastPiece), in_kib(comm::kMostPiece))
        .advanced()
        .add_size("segment-kib", options.segment, kib(1), "Longest message of a ring of ranks")
        .unit("KiB")
        .range(in_kib(comm::kLeastPiece), in_kib(comm::kMostPiece))
        .advanced()
        .add_microseconds("spin-us", options.spin,
                          "How long a rank that waits keeps a core of its own; 0: not at all")
        .unit("us")
        .range(0, comm::kLongestSpin.value * 1e6)
        .advanced();
}

void add_watchdog_options(OptionGroup& group, comm::WatchdogOptions& options) {
    group
        .add("warn-seconds", options.warn_after,
             "A wait for other ranks in a step that is told, with the ranks that are behind; "
             "outside the steps ten times this")
        .above(0)
        .advanced()
        .add("timeout-seconds", options.timeout,
             "One that ends the job with exit 76, naming the rank; for a rank that lives also five "
             "of the longest steps, and ten times this outside the steps; 0: never")
        .at_least(0);
}

void add_trace_option(OptionGroup& group, std::filesystem::path& trace) {
    group
        .add("trace", trace,
             "Timeline of the steps, the waits and every bucket on every rank, as Perfetto and "
             "hpml_bench trace-summary read it; empty: none")
        .placeholder("FILE")
        .from_environment("HOROVOD_TIMELINE");
}

}  // namespace

void add_communication_options(OptionGroup& group, train::CommunicationOptions& options) {
    group
        .add_size("bucket-mib", options.bucket, mib(1),
                  "Gradient bucket that leaves at once; 0: from the cache size")
        .unit("MiB")
        .alias("fusion-threshold");
    add_all_reduce_options(group, options.all_reduce);
    add_watchdog_options(group, options.watchdog);
    add_trace_option(group, options.trace);
}

}  // namespace hpml
