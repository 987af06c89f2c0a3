#include "comm/watchdog.h"

#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/json.h"
#include "support/data.h"

using namespace hpml;

namespace {

void sleep_ms(int milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

/// Look until it holds, or give up: what follows fails then.
template <class Condition>
void wait_for(const Condition& condition) {
    for (int i = 0; i < 6000 && !condition(); ++i) {
        sleep_ms(10);
    }
}

/// The same folder on every rank, where a file tells all that something has happened.
std::filesystem::path shared_folder(const mpi::Communicator& ranks,
                                    const test::ScratchFolder& own) {
    return ranks.broadcast(own.path().string());
}

/// What a watchdog did, told from its thread.
struct Heard {
    std::mutex mutex;
    std::string warned;
    std::string failed;
    std::atomic<bool> left{false};
    std::filesystem::path sign;  ///< a file made when this warns; none if empty

    comm::WatchdogOptions options(Seconds warn, Seconds timeout) {
        comm::WatchdogOptions options;
        options.warn_after = warn;
        options.timeout = timeout;
        options.warn = [this](const std::string& text) {
            const std::lock_guard lock(mutex);
            warned += text + "\n";
            if (!sign.empty()) {
                test::write_file(sign, text);
            }
        };
        options.fail = [this](const std::string& text) {
            const std::lock_guard lock(mutex);
            failed += text + "\n";
        };
        options.leave = [this] { left = true; };
        return options;
    }
    std::string warnings() {
        const std::lock_guard lock(mutex);
        return warned;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(watchdog_suite)

BOOST_AUTO_TEST_CASE(a_late_rank_is_named_once_and_waited_for) {
    const auto ranks = mpi::Communicator::world();
    const test::ScratchFolder folder("late");
    Heard heard;
    heard.sign = shared_folder(ranks, folder) / "told";
    {
        comm::Watchdog watchdog(ranks, ranks.split_by_node(),
                                heard.options(Seconds(2), Seconds(60)));
        watchdog.set_step(Step(6));
        const bool late = ranks.size() > 1 && ranks.rank().value == ranks.size() - 1;
        for (int round = 0; round < 2; ++round) {
            if (late && round == 1) {
                wait_for([&] { return std::filesystem::exists(heard.sign); });
            }
            const comm::Watchdog::Wait wait(&watchdog, "the sums");
            ranks.barrier();
        }
    }
    const bool others_spoke = ranks.is_root() && ranks.size() > 1;
    const std::string warned = heard.warnings();
    const std::string name = "rank " + std::to_string(ranks.size() - 1) + " has not come there";
    BOOST_TEST((warned.find(name) != std::string::npos) == others_spoke, warned);
    BOOST_TEST((warned.find("the sums of step 7") != std::string::npos) == others_spoke, warned);
    BOOST_TEST(std::count(warned.begin(), warned.end(), '\n') == (others_spoke ? 1 : 0), warned);
    BOOST_TEST(heard.failed.empty(), heard.failed);
    BOOST_TEST(!heard.left);
}

BOOST_AUTO_TEST_CASE(a_late_rank_of_another_node_is_named_with_its_host) {
    const auto ranks = mpi::Communicator::world();
    const test::ScratchFolder folder("late_node");
    Heard heard;
    heard.sign = shared_folder(ranks, folder) / "told";
    std::string obstacle;
    {
        // Pairs of ranks stand for nodes: what the leaders tell each other goes through sockets.
        comm::Watchdog watchdog(ranks, ranks.split(ranks.rank().value / 2),
                                heard.options(Seconds(3), Seconds(60)));
        obstacle = watchdog.obstacle();
        const auto watched = ranks.watched_by(watchdog);
        watchdog.set_step(Step(6));
        const bool late = ranks.rank().value == ranks.size() - 1;
        const int buckets = late ? 3 : 5;
        for (int bucket = 0; bucket < buckets; ++bucket) {
            watchdog.recorder().note(comm::FlightRecorder::Event::Submit, 1, 4096);
        }
        if (late && ranks.size() > 2) {
            wait_for([&] { return std::filesystem::exists(heard.sign); });
        }
        watched.barrier();
    }
    const bool others_spoke = ranks.is_root() && ranks.size() > 2;
    char host[256] = "";
    ::gethostname(host, sizeof host - 1);
    const std::string warned = heard.warnings();
    const std::string name = "rank " + std::to_string(ranks.size() - 1) + " on " + host +
                             " has not entered all-reduce bucket 3 of step 7";
    BOOST_TEST(obstacle.empty(), obstacle);
    BOOST_TEST((warned.find(name) != std::string::npos) == others_spoke, warned);
    BOOST_TEST(std::count(warned.begin(), warned.end(), '\n') == (others_spoke ? 1 : 0), warned);
    BOOST_TEST(heard.failed.empty(), heard.failed);
}

BOOST_AUTO_TEST_CASE(a_rank_that_does_not_come_ends_the_job_and_leaves_a_record) {
    const auto ranks = mpi::Communicator::world();
    const test::ScratchFolder folder("watchdog");
    Heard heard;
    const bool lost = ranks.rank().value == ranks.size() - 1;
    {
        auto options = heard.options(Seconds(1), Seconds(2));
        options.folder = folder.path();
        comm::Watchdog watchdog(ranks, ranks.split_by_node(), std::move(options));
        watchdog.set_step(Step(0));
        watchdog.set_step(Step(1));  // one step is complete, and was short
        watchdog.recorder().note(comm::FlightRecorder::Event::Submit, 3, 4096);
        if (!lost) {
            const comm::Watchdog::Wait wait(&watchdog, "the sums");
            wait_for([&] { return heard.left.load(); });
        }
        ranks.barrier();
    }
    const bool waited = !lost && ranks.size() > 1;
    BOOST_TEST(heard.left == waited);
    const bool speaks = ranks.is_root() && ranks.size() > 1;
    BOOST_TEST((heard.failed.find("rank " + std::to_string(ranks.size() - 1)) !=
                std::string::npos) == speaks,
               heard.failed);
    const auto file = folder / ("flight-rank-" + std::to_string(ranks.rank().value) + ".jsonl");
    BOOST_TEST(std::filesystem::exists(file) == waited);
    if (waited) {
        const std::string text = read_text(file);
        const Json first = parse_json(text.substr(0, text.find('\n')), "the record");
        BOOST_TEST(first.at("event").get<std::string>() == "submit");
        BOOST_TEST(first.at("detail").get<int>() == 4096);
    }
}

BOOST_AUTO_TEST_CASE(a_rank_that_lives_may_take_as_long_as_steps_take) {
    const auto ranks = mpi::Communicator::world();
    Heard heard;
    {
        comm::Watchdog watchdog(ranks, ranks.split_by_node(),
                                heard.options(Seconds(0.1), Seconds(0.3)));
        const bool late = ranks.rank().value == ranks.size() - 1;
        watchdog.set_step(Step(0));
        for (int step = 1; step < 3; ++step) {
            if (late) {
                sleep_ms(900);  // three times the time-out, in the first step as in the second
            }
            {
                const comm::Watchdog::Wait wait(&watchdog, "the sums");
                ranks.barrier();
            }
            watchdog.set_step(Step(step));
        }
    }
    BOOST_TEST(!heard.left);
    BOOST_TEST(heard.failed.empty(), heard.failed);
}

BOOST_AUTO_TEST_CASE(the_record_keeps_the_newest) {
    const test::ScratchFolder folder("recorder");
    comm::FlightRecorder recorder;
    for (std::uint64_t i = 0; i < 5000; ++i) {
        recorder.note(comm::FlightRecorder::Event::Start, i, 0);
    }
    recorder.dump(folder / "record");
    const std::string text = read_text(folder / "record");
    BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 4096);
    const Json first = parse_json(text.substr(0, text.find('\n')), "the record");
    BOOST_TEST(first.at("number").get<int>() == 5000 - 4096);
}

BOOST_AUTO_TEST_SUITE_END()
