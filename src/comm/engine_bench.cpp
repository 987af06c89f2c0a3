#include "comm/engine_bench.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/process_memory.h"
#include "comm/engine.h"
#include "comm/select.h"
#include "comm/watchdog.h"

namespace hpml::comm {

namespace {

Seconds in_seconds(const timeval& time) {
    return Seconds(static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6);
}

/// Of all threads of this process.
Seconds processor_time() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
}

double idle_share(Seconds time) {
    const Stopwatch watch;
    const Seconds before = processor_time();
    std::this_thread::sleep_for(std::chrono::duration<double>(time.value));
    return (processor_time() - before).value / watch.elapsed().value;
}

void take_steps(Engine& engine, std::span<float> arena, const EngineBenchOptions& options) {
    const std::size_t bucket = arena.size() / static_cast<std::size_t>(options.buckets);
    for (int step = 0; step < options.steps; ++step) {
        for (std::size_t at = 0; at + bucket <= arena.size(); at += bucket) {
            Buffer buffer(arena.subspan(at, bucket));
            buffer.examine = Examine::Yes;
            engine.submit(buffer);
        }
        (void)engine.wait_all();
    }
}

double as_mib(Bytes size) { return static_cast<double>(size.value) / 1048576; }

double in_buckets(const EngineBenchReport& report) {
    return static_cast<double>(report.beyond_arena.value) /
           static_cast<double>(report.bucket.value);
}

}  // namespace

EngineBenchReport run_engine_bench(const mpi::Communicator& ranks,
                                   const EngineBenchOptions& options) {
    EngineBenchReport report{};
    report.bucket = options.bucket;
    const Bytes arena(options.bucket.value * static_cast<std::uint64_t>(options.buckets));
    const Bytes before = proportional_memory();
    ranks.barrier();
    Stopwatch watch;
    const auto node = ranks.split_by_node();
    Watchdog watchdog(ranks, node, {});
    report.watchdog = watch.elapsed();
    watch = Stopwatch();
    auto algorithm = make_algorithm(options.all_reduce, ranks);
    report.choosing = watch.elapsed();
    report.algorithm = algorithm->name();
    const auto memory = algorithm->allocate(arena);
    watch = Stopwatch();
    Engine engine(std::move(algorithm), Progress::Thread, {&watchdog.recorder(), nullptr});
    report.engine = watch.elapsed();
    take_steps(engine, {reinterpret_cast<float*>(memory.get()), arena.value / sizeof(float)},
               options);
    ranks.barrier();
    const Bytes after = proportional_memory();
    const double more = static_cast<double>(after.value) - static_cast<double>(before.value) -
                        static_cast<double>(arena.value);
    std::array<double, 5> most = {report.watchdog.value, report.choosing.value, report.engine.value,
                                  idle_share(options.idle), before.value > 0 ? more : 0};
    ranks.max(most);
    report.watchdog = Seconds(most[0]);
    report.choosing = Seconds(most[1]);
    report.engine = Seconds(most[2]);
    report.start_up = report.watchdog + report.choosing + report.engine;
    report.idle_share = most[3];
    report.beyond_arena = Bytes(static_cast<std::uint64_t>(std::max(0.0, most[4])));
    return report;
}

std::string to_text(const EngineBenchReport& report) {
    return fmt::format(
        "engine ({}): start-up {:.1f} ms (watchdog {:.1f}, algorithm {:.1f}, thread {:.1f}), idle "
        "{:.3f} % of a core, beyond the arena {:.2f} MiB = {:.2f} buckets of {:.1f} MiB",
        report.algorithm, report.start_up.value * 1e3, report.watchdog.value * 1e3,
        report.choosing.value * 1e3, report.engine.value * 1e3, report.idle_share * 100,
        as_mib(report.beyond_arena), in_buckets(report), as_mib(report.bucket));
}

Json to_json(const EngineBenchReport& report) {
    return {{"algorithm", report.algorithm},
            {"start_up_seconds", report.start_up.value},
            {"watchdog_seconds", report.watchdog.value},
            {"algorithm_seconds", report.choosing.value},
            {"thread_seconds", report.engine.value},
            {"idle_share", report.idle_share},
            {"bucket_bytes", report.bucket.value},
            {"beyond_arena_bytes", report.beyond_arena.value},
            {"beyond_arena_buckets", in_buckets(report)}};
}

}  // namespace hpml::comm
