// What the engine asks of the system when it has warmed up: nothing.

#include <sys/resource.h>

#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "comm/engine.h"
#include "comm/flight_recorder.h"
#include "comm/progress_modes.h"
#include "comm/select.h"
#include "comm/trace/ring.h"
#include "support/allocations.h"
#include "support/skip.h"

using namespace hpml;
using comm::Progress;

namespace {

constexpr std::size_t kBuckets = 8;
constexpr std::size_t kBucket = 100003;  // elements
constexpr int kWarmUp = 20;
constexpr int kSteps = 100;

struct Use {
    test::Allocations allocations;
    long page_faults = 0;
};

/// Of the whole process: so also of the thread that communicates.
Use use_so_far() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return {test::allocations(), usage.ru_minflt + usage.ru_majflt};
}

/// Whether this system counts page faults at all.
bool counts_page_faults() {
    const long before = use_so_far().page_faults;
    std::vector<char> fresh(std::size_t{16} << 20, 'x');
    return use_so_far().page_faults > before && fresh.back() == 'x';
}

void take_step(comm::Engine& engine, std::span<float> values,
               std::chrono::milliseconds computation = std::chrono::milliseconds(0)) {
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
        const auto part = values.subspan(bucket * kBucket, kBucket);
        std::fill(part.begin(), part.end(), 1.0F);
        comm::Buffer buffer(part);
        buffer.examine = comm::Examine::Yes;
        engine.submit(buffer);
        engine.progress();
    }
    std::this_thread::sleep_for(computation);
    (void)engine.wait_all();
}

/// What 100 steps used after the warm-up, in the first hundred that was clean on all ranks or the
/// last: a busy machine may let the engine's thread begin late, or take pages away. What every step
/// uses leaves no hundred clean.
Use use_of_steps(const std::string& name, Progress mode, const comm::EngineWatchers& watchers,
                 bool (*is_clean)(const Use&)) {
    const auto ranks = mpi::Communicator::world();
    auto algorithm = comm::make_algorithm({.algorithm = name}, ranks);
    const auto memory = algorithm->allocate(Bytes(kBuckets * kBucket * sizeof(float)));
    const std::span values(reinterpret_cast<float*>(memory.get()), kBuckets * kBucket);
    comm::Engine engine(std::move(algorithm), mode, watchers);
    for (int step = 0; step < kWarmUp; ++step) {
        // On busy cores the thread might come to its first operation much later.
        take_step(engine, values, std::chrono::milliseconds(2));
    }
    Use use;
    for (int attempt = 0; attempt < 20; ++attempt) {
        const Use before = use_so_far();
        for (int step = 0; step < kSteps; ++step) {
            take_step(engine, values);
        }
        const Use after = use_so_far();
        use = {{after.allocations.by_new - before.allocations.by_new,
                after.allocations.by_malloc - before.allocations.by_malloc},
               after.page_faults - before.page_faults};
        double dirty[1] = {is_clean(use) ? 0.0 : 1.0};
        ranks.max(dirty);
        if (dirty[0] == 0.0) {
            break;
        }
    }
    return use;
}

const std::vector<Progress> kModes = {Progress::Inline, Progress::Thread};

}  // namespace

BOOST_AUTO_TEST_SUITE(steady_suite)

BOOST_AUTO_TEST_CASE(allocations_are_counted) {
    const auto before = test::allocations();
    const auto number = std::make_unique<int>(7);
    void* volatile memory = std::malloc(100);
    std::free(memory);
    BOOST_TEST(test::allocations().by_new == before.by_new + 1);
    BOOST_TEST(test::allocations().by_malloc == before.by_malloc + 2);
    BOOST_TEST(*number == 7);
}

BOOST_DATA_TEST_CASE(shared_memory_allocates_nothing_and_faults_no_page,
                     boost::unit_test::data::make(kModes), mode) {
    const bool counts = counts_page_faults();
    comm::FlightRecorder recorder;
    const Use use = use_of_steps("auto", mode, {&recorder, nullptr}, [](const Use& one) {
        return one.allocations.by_new == 0 && one.allocations.by_malloc == 0 &&
               one.page_faults == 0;
    });
    BOOST_TEST(use.allocations.by_new == 0U);
    BOOST_TEST(use.allocations.by_malloc == 0U);
    if (!counts) {
        test::not_run("this system counts no page faults");
        return;
    }
    BOOST_TEST(use.page_faults == 0);
}

BOOST_DATA_TEST_CASE(messages_allocate_nothing_of_ours,
                     boost::unit_test::data::make(kModes) *
                         boost::unit_test::data::make({"ring", "recursive_doubling"}),
                     mode, name) {
    const Use use =
        use_of_steps(name, mode, {}, [](const Use& one) { return one.allocations.by_new == 0; });
    BOOST_TEST(use.allocations.by_new == 0U);
}

BOOST_AUTO_TEST_CASE(noting_something_for_the_timeline_allocates_nothing) {
    comm::TraceRing ring(1 << 10);
    int kept = 0;
    const auto before = test::allocations();
    for (std::uint64_t i = 0; i < 2000; ++i) {
        kept += ring.push({.number = i}) ? 1 : 0;
    }
    BOOST_TEST(test::allocations().by_malloc == before.by_malloc);
    BOOST_TEST(kept == 1024);
}

BOOST_AUTO_TEST_SUITE_END()
