#include "comm/trace/trace.h"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "comm/buffers.h"
#include "comm/engine.h"
#include "comm/select.h"
#include "comm/trace/summary.h"
#include "mpi/communicator.h"
#include "support/data.h"

using namespace hpml;
using comm::Trace;
using comm::TracePoint;

namespace {

constexpr int kSteps = 4;
constexpr std::size_t kBuckets = 3;

void work_for(std::chrono::microseconds time) { std::this_thread::sleep_for(time); }

/// Steps of an engine with and without a timeline. @return the sums
std::vector<float> take_steps(const mpi::Communicator& ranks, comm::Progress progress,
                              Trace* trace) {
    comm::Engine engine(comm::make_algorithm({.algorithm = "auto"}, ranks), progress,
                        {nullptr, trace});
    auto values = test::rough_values(ranks.rank().value, 60000);
    const std::span<float> all(values);
    for (int step = 0; step < kSteps; ++step) {
        if (trace != nullptr) {
            trace->set_step(Step(step));
        }
        const Trace::Span whole(trace, TracePoint::Step);
        {
            const Trace::Span forward(trace, TracePoint::Forward);
            work_for(std::chrono::microseconds(500));
        }
        {
            const Trace::Span backward(trace, TracePoint::Backward);
            for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
                if (trace != nullptr) {
                    trace->note(TracePoint::Ready, bucket, Bytes(0));
                }
                engine.submit(all.subspan(bucket * 20000, 20000));
                work_for(std::chrono::microseconds(300));
                engine.progress();
            }
        }
        engine.wait_all();
    }
    return values;
}

/// "FILE of rank 0's folder" on every rank. To be followed by `leave_folder` when all traces have
/// ended.
std::filesystem::path shared_file(const mpi::Communicator& ranks, const test::ScratchFolder& own) {
    return ranks.broadcast((own.path() / "trace.json").string());
}

/// Collective. A rank that still removes its part would make rank 0 fail to remove the folder.
void leave_folder(const mpi::Communicator& ranks) { ranks.barrier(); }

/// Brings this rank's clock ahead, as another machine's may be: ranks 2k and 2k + 1 are one node.
std::int64_t shift_of(const mpi::Communicator& ranks) {
    return (ranks.rank().value / 2) * 1'000'000'000LL;
}

void record_run(const mpi::Communicator& ranks, const std::filesystem::path& file,
                comm::Progress progress) {
    const auto node = ranks.split(ranks.rank().value / 2);
    comm::TraceOptions options;
    options.file = file;
    options.clock_shift = shift_of(ranks);
    std::uint64_t lost = 0;
    {
        Trace trace(ranks, node, options);
        (void)take_steps(ranks, progress, &trace);
        lost = trace.finish();
    }
    leave_folder(ranks);
    BOOST_TEST(lost == 0U);
}

/// Checks one track after the other; times are microseconds.
struct Track {
    double last = 0;
    double busy_until = 0;
    std::vector<std::string> open;
};

void check_event(const Json& event, Track& track) {
    for (const char* key : {"ph", "ts", "pid", "tid", "name"}) {
        BOOST_TEST_REQUIRE(event.contains(key), event.dump());
    }
    const auto phase = event.at("ph").get<std::string>();
    const auto name = event.at("name").get<std::string>();
    const double time = event.at("ts").get<double>();
    BOOST_TEST(time >= track.last, event.dump());
    track.last = time;
    if (phase == "B") {
        track.open.push_back(name);
    } else if (phase == "E") {
        BOOST_TEST_REQUIRE(!track.open.empty(), event.dump());
        BOOST_TEST(track.open.back() == name);
        track.open.pop_back();
    } else if (phase == "X") {
        BOOST_TEST(time >= track.busy_until - 0.0015, event.dump());
        track.busy_until = time + event.at("dur").get<double>();
    }
}

/// What happened of every bucket, by rank: launched, started, reduced.
using BucketTimes = std::map<std::pair<int, std::string>, std::map<std::string, double>>;

BucketTimes check_events(const Json& events) {
    std::map<std::pair<int, int>, Track> tracks;
    BucketTimes buckets;
    for (const Json& event : events) {
        const int rank = event.at("pid").get<int>();
        const int track = event.at("tid").get<int>();
        check_event(event, tracks[{rank, track}]);
        if (event.contains("cat")) {
            const auto key = std::pair(rank, event.at("id2").at("local").get<std::string>());
            buckets[key][event.at("args").at("what").get<std::string>()] =
                event.at("ts").get<double>();
        }
    }
    for (const auto& [key, track] : tracks) {
        BOOST_TEST(track.open.empty());
    }
    return buckets;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trace_suite)

BOOST_AUTO_TEST_CASE(a_timeline_is_chromes_format_with_every_rank_and_bucket) {
    const auto ranks = mpi::Communicator::world();
    const test::ScratchFolder folder("trace");
    const auto file = shared_file(ranks, folder);
    for (const auto progress : {comm::Progress::Inline, comm::Progress::Thread}) {
        record_run(ranks, file, progress);
        if (ranks.is_root()) {
            const Json whole = read_json(file, mib(64));
            BOOST_TEST(whole.at("otherData").at("ranks").get<int>() == ranks.size());
            const BucketTimes buckets = check_events(whole.at("traceEvents"));
            BOOST_TEST(buckets.size() ==
                       static_cast<std::size_t>(ranks.size() * kSteps) * kBuckets);
            for (const auto& [key, times] : buckets) {
                BOOST_TEST_REQUIRE(times.size() == 3U);
                BOOST_TEST(times.at("launched") <= times.at("started"));
                BOOST_TEST(times.at("started") <= times.at("reduced"));
            }
            BOOST_TEST(!std::filesystem::exists(comm::trace_part(file, Rank(0))));
        }
    }
}

BOOST_AUTO_TEST_CASE(clocks_of_nodes_are_brought_together) {
    const auto ranks = mpi::Communicator::world();
    const auto node = ranks.split(ranks.rank().value / 2);
    const auto clock = comm::agree_on_clock(ranks, node, shift_of(ranks));
    // All look at the same moment: when the barrier is left.
    double worst = 1e9;
    for (int round = 0; round < 20; ++round) {
        ranks.barrier();
        const double mine = static_cast<double>(comm::TraceClock::now() + clock.offset) / 1e9;
        double ends[2] = {mine, -mine};
        ranks.max(ends);
        worst = std::min(worst, ends[0] + ends[1]);
    }
    // The nodes' clocks are whole seconds apart; ranks share cores here.
    BOOST_TEST(worst < 0.3);
}

BOOST_AUTO_TEST_CASE(a_timeline_changes_no_bit) {
    const auto ranks = mpi::Communicator::world();
    const test::ScratchFolder folder("trace_bits");
    const auto file = shared_file(ranks, folder);
    for (const auto progress : {comm::Progress::Inline, comm::Progress::Thread}) {
        const auto without = take_steps(ranks, progress, nullptr);
        Trace trace(ranks, ranks.split_by_node(), {file});
        const auto with = take_steps(ranks, progress, &trace);
        (void)trace.finish();
        BOOST_TEST(test::same_bits(with, without));
    }
    leave_folder(ranks);
}

BOOST_AUTO_TEST_CASE(a_summary_says_where_the_time_went) {
    const auto ranks = mpi::Communicator::world();
    const test::ScratchFolder folder("trace_summary");
    const auto file = shared_file(ranks, folder);
    record_run(ranks, file, comm::Progress::Inline);
    if (!ranks.is_root()) {
        return;
    }
    const auto summary = comm::summarize_trace(file);
    BOOST_TEST_REQUIRE(summary.ranks.size() == static_cast<std::size_t>(ranks.size()));
    BOOST_TEST_REQUIRE(summary.buckets.size() == kBuckets);
    for (const auto& one : summary.ranks) {
        BOOST_TEST(one.steps == static_cast<std::size_t>(kSteps - 1));
        BOOST_TEST(one.forward.value >= 0.0005);
        BOOST_TEST(one.backward.value >= 0.0009);
        BOOST_TEST(one.step.value >= std::max(one.forward, one.backward).value);
        BOOST_TEST(one.exposed.value <= one.step.value);
        BOOST_TEST(one.imbalance.value <= one.exposed.value);
        BOOST_TEST(one.overlapped.value <= one.step.value);
        BOOST_TEST(one.work_in_wait.value <= one.work.value);
    }
    for (const auto& one : summary.buckets) {
        BOOST_TEST(one.size.value == 80000U);
        BOOST_TEST((one.bus_gigabytes > 0) == (ranks.size() > 1));
    }
    BOOST_TEST(comm::to_json(summary).at("ranks").size() == summary.ranks.size());
    BOOST_TEST(comm::to_table(summary).find("backward") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_rank_that_the_others_wait_for_is_found) {
    const auto ranks = mpi::Communicator::world();
    const test::ScratchFolder folder("trace_slow");
    const auto file = shared_file(ranks, folder);
    const int slow = ranks.size() - 1;
    {
        Trace trace(ranks, ranks.split_by_node(), {file});
        comm::Engine engine(comm::make_algorithm({.algorithm = "auto"}, ranks),
                            comm::Progress::Inline, {nullptr, &trace});
        std::vector<float> values(1000, 1.0F);
        for (int step = 0; step < 5; ++step) {
            trace.set_step(Step(step));
            const Trace::Span whole(&trace, TracePoint::Step);
            work_for(std::chrono::milliseconds(ranks.rank().value == slow ? 300 : 1));
            engine.submit(values);
            engine.wait_all();
        }
        (void)trace.finish();
    }
    leave_folder(ranks);
    if (ranks.is_root()) {
        const auto summary = comm::summarize_trace(file);
        BOOST_TEST(summary.slowest.value == slow);
        if (ranks.size() > 1) {
            BOOST_TEST(summary.ranks.front().imbalance.value > 0.15);
            BOOST_TEST(summary.ranks.back().imbalance.value < 0.1);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_was_recorded_can_be_read_before_the_run_ends) {
    const auto ranks = mpi::Communicator::world();
    const test::ScratchFolder folder("trace_part");
    const auto file = shared_file(ranks, folder);
    const auto part = comm::trace_part(file, ranks.rank());
    std::string while_it_runs;
    std::string after_it;
    {
        Trace trace(ranks, ranks.split_by_node(), {file});
        (void)take_steps(ranks, comm::Progress::Inline, &trace);
        // It is written ten times a second.
        for (std::size_t last = 0; last == 0 || while_it_runs.size() > last;) {
            last = while_it_runs.size();
            std::this_thread::sleep_for(std::chrono::seconds(1));
            while_it_runs = read_text(part);
        }
    }
    // Given up without finish(), as when an error ends a run: the part stays.
    after_it = read_text(part);
    ranks.barrier();
    BOOST_TEST(while_it_runs.size() == after_it.size());
    const auto copy = folder.path() / "copy";
    test::write_file(copy, while_it_runs + "{\"ph\":\"B\",\"na");
    const auto summary = comm::summarize_trace(copy);
    BOOST_TEST(summary.is_part);
    BOOST_TEST(summary.ranks.at(0).steps == static_cast<std::size_t>(kSteps - 1));
}

BOOST_AUTO_TEST_CASE(files_that_are_no_timeline_or_cut_off_are_refused) {
    const auto ranks = mpi::Communicator::world();
    const test::ScratchFolder folder("trace_bad");
    const auto file = shared_file(ranks, folder);
    record_run(ranks, file, comm::Progress::Inline);
    if (ranks.is_root()) {
        const std::string text = read_text(file);
        const auto refused = [&](const std::string& content, const std::string& why) {
            const auto bad = folder.path() / "bad.json";
            test::write_file(bad, content);
            BOOST_CHECK_EXCEPTION(
                (void)comm::summarize_trace(bad), InputError, [&](const InputError& error) {
                    BOOST_TEST_MESSAGE(error.what());
                    return std::string(error.what()).find(why) != std::string::npos;
                });
        };
        refused("", "no timeline");
        refused("{\"traceEvents\":[]}", "no timeline");
        refused("loss,step\n1,2\n", "no timeline");
        refused(text.substr(0, text.size() / 2), "cut off");
        refused(text.substr(0, text.find("\"ph\":\"B\"")), "cut off");
        refused(text.substr(0, text.size() - 3), "cut off");
        std::string broken = text;
        broken.replace(broken.find("\"ph\":\"B\""), 8, "\"ph\":\"B,");
        refused(broken, "bad.json:");
        BOOST_CHECK_THROW((void)comm::summarize_trace(folder.path() / "none"), MissingInputError);
    }
}

/// What a profiler would be told: names as they begin, "-" where the innermost ends.
std::vector<std::string>& told_ranges() {
    static std::vector<std::string> told;
    return told;
}

BOOST_AUTO_TEST_CASE(a_profiler_is_told_the_phases_one_inside_the_other) {
    const auto ranks = mpi::Communicator::world();
    const test::ScratchFolder folder("trace_ranges");
    const comm::TraceRanges ranges{[](const char* name) { told_ranges().emplace_back(name); },
                                   [] { told_ranges().emplace_back("-"); }};
    const std::vector<std::string> step = {"step", "forward", "-", "backward",
                                           "-",    "wait",    "-", "-"};
    // With a timeline beside it and without.
    for (const auto& file : {shared_file(ranks, folder), std::filesystem::path()}) {
        told_ranges().clear();
        Trace trace(ranks, ranks, {.file = file, .ranges = ranges});
        (void)take_steps(ranks, comm::Progress::Inline, &trace);
        BOOST_TEST(trace.finish() == 0U);
        BOOST_TEST_REQUIRE(told_ranges().size() == kSteps * step.size());
        for (std::size_t i = 0; i < told_ranges().size(); ++i) {
            BOOST_TEST(told_ranges()[i] == step[i % step.size()], i);
        }
        BOOST_TEST((!ranks.is_root() || file.empty() || std::filesystem::exists(file)));
    }
    leave_folder(ranks);
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_missing_is_refused_at_once) {
    const test::ScratchFolder folder("trace_folder");
    BOOST_CHECK_NO_THROW(comm::require_trace_folder(folder.path() / "trace.json"));
    BOOST_CHECK_NO_THROW(comm::require_trace_folder("trace.json"));
    BOOST_CHECK_THROW(comm::require_trace_folder(folder.path() / "no" / "trace.json"), OutputError);
    BOOST_CHECK_THROW(comm::require_trace_folder(folder.path()), OutputError);
}

BOOST_AUTO_TEST_CASE(a_full_ring_loses_records_and_counts_them) {
    comm::TraceRing ring(4);
    for (std::uint64_t i = 0; i < 6; ++i) {
        BOOST_TEST(ring.push({.number = i}) == (i < 4));
    }
    comm::TraceRecord record;
    for (std::uint64_t i = 0; i < 4; ++i) {
        BOOST_TEST(ring.pop(record));
        BOOST_TEST(record.number == i);
    }
    BOOST_TEST(!ring.pop(record));
    BOOST_TEST(ring.push({.number = 9}));
}

BOOST_AUTO_TEST_CASE(several_threads_push_and_nothing_is_lost_or_doubled) {
    constexpr std::uint64_t kEach = 20000;
    comm::TraceRing ring(1 << 10);
    std::vector<std::thread> threads;
    for (std::uint64_t thread = 0; thread < 3; ++thread) {
        threads.emplace_back([&ring, thread] {
            for (std::uint64_t i = 0; i < kEach; ++i) {
                while (!ring.push({.number = thread * kEach + i})) {
                    std::this_thread::yield();
                }
            }
        });
    }
    std::vector<std::uint64_t> next = {0, 0, 0};
    comm::TraceRecord record;
    for (std::uint64_t taken = 0; taken < 3 * kEach;) {
        if (!ring.pop(record)) {
            std::this_thread::yield();
            continue;
        }
        ++taken;
        std::uint64_t& expected = next.at(record.number / kEach);
        BOOST_REQUIRE(record.number % kEach == expected);
        ++expected;
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

BOOST_AUTO_TEST_SUITE_END()
