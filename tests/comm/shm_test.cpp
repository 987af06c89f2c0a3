// What is particular to the all-reduce in shared memory.

#include "comm/shm.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "comm/algorithms.h"
#include "comm/buffers.h"

using namespace hpml;

namespace {

/// Floats in an algorithm's own memory.
struct Owned {
    std::shared_ptr<std::byte> memory;
    std::span<float> values;

    Owned(comm::Algorithm& algorithm, std::size_t count)
        : memory(algorithm.allocate(Bytes(count * sizeof(float)))),
          values(reinterpret_cast<float*>(memory.get()), count) {}
};

/// The threads of this process as a team, each with its own view.
class ThreadTeam {
  public:
    ThreadTeam(std::size_t threads, std::size_t window) {
        for (std::size_t i = 0; i < threads; ++i) {
            parts_.emplace_back(page_aligned(comm::ShmTeam::part_size()));
            windows_.emplace_back(page_aligned(window));
        }
        for (std::size_t i = 0; i < threads; ++i) {
            comm::ShmTeam team;
            team.place(static_cast<int>(i), pointers(parts_));
            team.windows.push_back({pointers(windows_), window});
            algorithms_.push_back(
                std::make_unique<comm::ShmAllReduce>(comm::ShmNode(std::move(team), nullptr)));
        }
    }
    [[nodiscard]] comm::ShmAllReduce& algorithm(std::size_t thread) { return *algorithms_[thread]; }
    [[nodiscard]] std::byte* window(std::size_t thread) { return windows_[thread].get(); }

  private:
    using Memory = std::shared_ptr<std::byte>;
    static Memory page_aligned(std::size_t bytes) {
        constexpr std::align_val_t kPage{4096};
        auto* memory = static_cast<std::byte*>(::operator new(bytes, kPage));
        std::fill_n(memory, bytes, std::byte{0});
        return {memory, [](std::byte* used) { ::operator delete(used, kPage); }};
    }
    static std::vector<std::byte*> pointers(const std::vector<Memory>& memories) {
        std::vector<std::byte*> plain;
        for (const Memory& memory : memories) {
            plain.push_back(memory.get());
        }
        return plain;
    }

    std::vector<Memory> parts_;
    std::vector<Memory> windows_;
    std::vector<std::unique_ptr<comm::ShmAllReduce>> algorithms_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(shm_suite)

BOOST_AUTO_TEST_CASE(bits_depend_neither_on_the_way_nor_on_chunks_nor_on_how_a_buffer_is_cut) {
    const auto ranks = mpi::Communicator::world();
    const std::size_t count = 300007;
    const auto shm = test::make_algorithm("shm", ranks);
    auto staged = test::rough_values(ranks.rank().value, count);
    test::all_reduce(*shm, staged);
    for (const std::string name : {"shm", "shm-4-kib", "shm-by-file"}) {
        const auto algorithm = test::make_algorithm(name, ranks);
        Owned owned(*algorithm, count);
        const auto mine = test::rough_values(ranks.rank().value, count);
        std::copy(mine.begin(), mine.end(), owned.values.begin());
        test::all_reduce(*algorithm, owned.values);
        BOOST_TEST(test::same_bits(owned.values, staged), name);
        auto pieces = mine;
        for (std::size_t at = 0; at < count; at += 1000) {
            test::all_reduce(
                *algorithm, std::span(pieces).subspan(at, std::min<std::size_t>(1000, count - at)));
        }
        BOOST_TEST(test::same_bits(pieces, staged), name);
    }
}

BOOST_AUTO_TEST_CASE(a_rank_that_brings_something_else_is_named_on_every_rank) {
    const auto ranks = mpi::Communicator::world();
    const auto algorithm = test::make_algorithm("shm", ranks);
    const bool odd_one = ranks.rank().value == ranks.size() - 1 && ranks.size() > 1;
    Owned owned(*algorithm, 100000);
    std::vector<float> other(120000);
    struct Attempt {
        comm::Buffer buffer;
        comm::Buffer odd;
        std::string told;
    };
    comm::Buffer whole_numbers(owned.values);
    whole_numbers.type = comm::DataType::I32;
    comm::Buffer largest(owned.values);
    largest.op = comm::ReduceOp::Max;
    for (const auto& [buffer, odd, told] :
         {Attempt{owned.values, owned.values.subspan(100), "99900 f32 (sum)"},
          Attempt{owned.values, whole_numbers, "100000 i32 (sum)"},
          Attempt{owned.values, largest, "100000 f32 (max)"},
          Attempt{owned.values, std::span(other).first(100000), "in memory of its own"},
          Attempt{std::span(other).first(10), std::span(other).first(11), "11 f32 (sum)"}}) {
        std::string message;
        try {
            test::all_reduce(*algorithm, odd_one ? odd : buffer);
        } catch (const MismatchError& error) {
            message = error.what();
        }
        const std::string rank = "rank " + std::to_string(ranks.size() - 1) + " of the node";
        const bool named =
            message.find(told) != std::string::npos && message.find(rank) != std::string::npos;
        BOOST_TEST(named == (ranks.size() > 1), told << " in: " << message);
        // The algorithm can still be used.
        std::fill(owned.values.begin(), owned.values.end(), 1.0F);
        test::all_reduce(*algorithm, owned.values);
        BOOST_TEST(owned.values.front() == static_cast<float>(ranks.size()));
        BOOST_TEST(owned.values.back() == static_cast<float>(ranks.size()));
    }
}

BOOST_AUTO_TEST_CASE(memory_that_cannot_be_shared_is_a_clear_refusal_or_staged) {
    const auto ranks = mpi::Communicator::world();
    const comm::NodeMemoryOptions nowhere{.anonymous = false, .folder = "/nonexistent"};
    std::string message;
    try {
        (void)comm::ShmAllReduce::for_node(ranks, {}, nowhere);
    } catch (const Error& error) {
        message = error.what();
        BOOST_TEST((error.code() == ExitCode::Resource));
    }
    BOOST_TEST(message.find("cannot share memory") != std::string::npos, message);
    BOOST_TEST(message.find("--allreduce ring") != std::string::npos, message);
    const auto attempt = comm::NodeMemory::share(ranks, Bytes(std::uint64_t{1} << 50));
    BOOST_TEST(!attempt.memory);
    BOOST_TEST(attempt.obstacle.find("of memory are free") != std::string::npos, attempt.obstacle);
}

BOOST_AUTO_TEST_CASE(files_of_shared_memory_lose_their_names_at_once) {
    const auto ranks = mpi::Communicator::world();
    const auto named = [] {
        std::size_t files = 0;
        for (const auto& entry : std::filesystem::directory_iterator("/dev/shm")) {
            files += entry.path().filename().string().starts_with("hpml-") ? 1 : 0;
        }
        return files;
    };
    const auto algorithm =
        comm::ShmAllReduce::for_node(ranks, {}, {.anonymous = false, .folder = "/dev/shm"});
    ranks.barrier();
    BOOST_TEST(named() == 0U);
    ranks.barrier();  // before another test makes files
}

// For ThreadSanitizer: the ranks as threads of one process.
BOOST_AUTO_TEST_CASE(threads_of_one_process_are_a_team) {
    const std::size_t threads = 3;
    const std::size_t count = 100003;
    ThreadTeam team(threads, count * sizeof(float));
    std::vector<std::size_t> wrong(threads);
    const auto work = [&](std::size_t thread) {
        const std::span<float> window(reinterpret_cast<float*>(team.window(thread)), count);
        std::vector<float> own(count);
        for (int round = 0; round < 20; ++round) {
            const auto value = static_cast<float>(thread + 1);
            std::fill(window.begin(), window.end(), value);
            std::fill(own.begin(), own.end(), value);
            std::vector<comm::OperationHandle> operations;
            operations.push_back(team.algorithm(thread).start(window.first(count / 2)));
            operations.push_back(team.algorithm(thread).start(own));
            operations.push_back(team.algorithm(thread).start(window.subspan(count / 2)));
            operations.push_back(team.algorithm(thread).start(std::span(own).first(0)));
            std::size_t done = 0;
            while (done < operations.size()) {
                done = 0;
                for (const auto& operation : operations) {
                    done += operation->advance() ? 1 : 0;
                }
                std::this_thread::yield();
            }
            for (std::size_t i = 0; i < count; ++i) {
                wrong[thread] += window[i] == 6.0F && own[i] == 6.0F ? 0 : 1;
            }
        }
    };
    std::vector<std::thread> running;
    for (std::size_t thread = 0; thread < threads; ++thread) {
        running.emplace_back(work, thread);
    }
    for (auto& thread : running) {
        thread.join();
    }
    for (const std::size_t count_of_thread : wrong) {
        BOOST_TEST(count_of_thread == 0U);
    }
}

BOOST_AUTO_TEST_SUITE_END()
