#include "apps/hpml_training_options.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "comm/reproducible.h"
#include "comm/select.h"
#include "comm/wire.h"
#include "train/stop.h"

namespace hpml {

namespace {

double in_kib(Bytes size) { return static_cast<double>(size.value) / 1024; }

/// Horovod's threshold in this program's unit. 0 means there that nothing is fused: buckets of one
/// element, so that every tensor has its own.
std::optional<std::string> mib_of_threshold(const std::string& text) {
    std::uint64_t bytes = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    if (failure != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return fmt::format("{}", static_cast<double>(bytes == 0 ? sizeof(float) : bytes) / 1048576);
}

void add_all_reduce_options(OptionGroup& group, comm::AllReduceOptions& options) {
    group.add("allreduce", options.algorithm, "How gradients are summed over the ranks")
        .choices(comm::algorithm_names())
        .add_words(
            "reproducible", options.reproducible,
            {{"off", comm::Reproducible::Off},
             {"run", comm::Reproducible::Run},
             {"strict", comm::Reproducible::Strict},
             {"elastic", comm::Reproducible::Elastic}},
            "What gives the same bits; off: nothing is promised; run: the same command on as "
            "many ranks; strict: also other buckets, chunks and algorithms; elastic: also other "
            "numbers of ranks (hpml_pretrain)")
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
        .add_size("segment-kib", options.segment, kib(1),
                  "Longest message of a ring of ranks; 0: 256 in a node, 60 between nodes")
        .unit("KiB")
        .range(0, in_kib(comm::kMostPiece))
        .advanced()
        .add_microseconds("spin-us", options.spin,
                          "How long a rank that waits keeps a core of its own; 0: not at all")
        .unit("us")
        .range(0, comm::kLongestSpin.value * 1e6)
        .advanced()
        .add_words(
            "check", options.check,
            {{"plan", comm::Check::Plan}, {"every", comm::Check::Every}, {"off", comm::Check::Off}},
            "What the ranks compare, that they add the same things: the fusion plan once; "
            "every operation too; nothing")
        .advanced();
}

void add_watchdog_options(OptionGroup& group, comm::WatchdogOptions& options) {
    group
        .add("warn-seconds", options.warn_after,
             "A wait for other ranks in a step that is told, with the ranks that are behind; "
             "outside the steps ten times this")
        .above(0)
        .from_environment("HOROVOD_STALL_CHECK_TIME_SECONDS")
        .advanced()
        .add("timeout-seconds", options.timeout,
             "One that ends the job with exit 76, naming the rank; for a rank that lives also five "
             "of the longest steps, and ten times this outside the steps; 0: never")
        .at_least(0)
        .from_environment("HOROVOD_STALL_SHUTDOWN_TIME_SECONDS");
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
        .alias("fusion-threshold")
        .from_environment("HOROVOD_FUSION_THRESHOLD", {mib_of_threshold, "a whole number of bytes"})
        .add_size("first-bucket-mib", options.first_bucket, mib(1),
                  "The bucket that leaves first, if smaller than the others: communication starts "
                  "early; 0: like the others")
        .unit("MiB")
        .advanced();
    add_all_reduce_options(group, options.all_reduce);
    group
        .add_words(
            "progress", options.progress,
            {{"auto", comm::ProgressWish::Auto},
             {"thread", comm::ProgressWish::Thread},
             {"background", comm::ProgressWish::Background},
             {"inline", comm::ProgressWish::Inline}},
            "Who drives communication while a rank computes: a thread with a core of its own, "
            "one without that sleeps in between, or the computing thread now and then; "
            "auto: a thread if a core is free for it or messages cross nodes")
        .advanced();
    add_watchdog_options(group, options.watchdog);
    add_trace_option(group, options.trace);
}

void add_stop_signals_option(OptionGroup& group, std::vector<std::string>& names) {
    group
        .add("stop-signals", names,
             "Signals that ask to save and stop; others keep their own effect, and a hup that is "
             "ignored stays so (nohup)")
        .choices(train::stop_signal_names())
        .placeholder("NAME")
        .advanced();
}

}  // namespace hpml
