// Where shared memory is small: containers have a /dev/shm of 64 MB, and may hide processes from
// each other.

#include "comm/node_memory.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "comm/algorithms.h"
#include "comm/buffers.h"

using namespace hpml;

namespace {

/// A small /dev/shm that this process and what it makes alone see; needs root.
class SmallSharedMemory {
  public:
    SmallSharedMemory(const mpi::Communicator& ranks, const std::string& size) {
        // One for all ranks of the node: rank 0 makes it, the others join its mount namespace.
        own_ = ::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
        std::int64_t failed = 0;
        if (ranks.is_root()) {
            failed = ::unshare(CLONE_NEWNS) != 0 ||
                     ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                     ::mount("tmpfs", "/dev/shm", "tmpfs", 0, ("size=" + size).c_str()) != 0;
        }
        const auto names = ranks.all_gather("/proc/" + std::to_string(::getpid()) + "/ns/mnt");
        if (!ranks.is_root()) {
            const int first = ::open(names.front().c_str(), O_RDONLY | O_CLOEXEC);
            failed = first < 0 || ::unshare(CLONE_FS) != 0 || ::setns(first, CLONE_NEWNS) != 0;
            ::close(first);
        }
        ranks.max(std::span(&failed, 1));
        is_there_ = failed == 0;
    }
    ~SmallSharedMemory() {
        if (own_ >= 0) {
            (void)::setns(own_, CLONE_NEWNS);
            ::close(own_);
            std::filesystem::current_path(folder_);
        }
    }
    SmallSharedMemory(const SmallSharedMemory&) = delete;
    SmallSharedMemory& operator=(const SmallSharedMemory&) = delete;
    SmallSharedMemory(SmallSharedMemory&&) = delete;
    SmallSharedMemory& operator=(SmallSharedMemory&&) = delete;

    [[nodiscard]] bool is_there() const { return is_there_; }

  private:
    std::filesystem::path folder_ = std::filesystem::current_path();  ///< setns forgets it
    int own_ = -1;
    bool is_there_ = false;
};

bool is_told(const mpi::Communicator& ranks, bool is_there) {
    if (!is_there && ranks.is_root()) {
        BOOST_TEST_MESSAGE("did not run: a /dev/shm of its own needs root");
    }
    return is_there;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(node_memory_suite)

BOOST_AUTO_TEST_CASE(a_dev_shm_too_small_for_anything_is_one_clear_refusal) {
    const auto ranks = mpi::Communicator::world();
    const SmallSharedMemory small(ranks, "1m");
    if (!is_told(ranks, small.is_there())) {
        return;
    }
    std::string message;
    try {
        (void)comm::ShmAllReduce::for_node(ranks, {}, {.anonymous = false});
    } catch (const ResourceError& error) {
        message = error.what();
    }
    BOOST_TEST(message.find("MB of shared memory in /dev/shm") != std::string::npos, message);
    BOOST_TEST(message.find("use --allreduce ring") != std::string::npos, message);
    ranks.barrier();  // each rank removes its own file
    const bool is_empty = std::filesystem::is_empty("/dev/shm");
    BOOST_TEST(is_empty);
}

BOOST_AUTO_TEST_CASE(a_small_dev_shm_holds_the_staging_window_and_the_sums_are_right) {
    const auto ranks = mpi::Communicator::world();
    // The team's memory, and less than the buffer needs.
    const SmallSharedMemory small(ranks, std::to_string(2 * ranks.size() + 4) + "m");
    if (!is_told(ranks, small.is_there())) {
        return;
    }
    const auto algorithm = comm::ShmAllReduce::for_node(ranks, {}, {.anonymous = false});
    const std::size_t count = 4000003;
    const auto memory = algorithm->allocate(Bytes(count * sizeof(float)));
    const std::span<float> values(reinterpret_cast<float*>(memory.get()), count);
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = test::whole_value(ranks.rank().value, i);
    }
    test::all_reduce(*algorithm, values);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < count; ++i) {
        float expected = 0;
        for (int rank = 0; rank < ranks.size(); ++rank) {
            expected += test::whole_value(rank, i);
        }
        wrong += values[i] == expected ? 0 : 1;
    }
    BOOST_TEST(wrong == 0U);
}

BOOST_AUTO_TEST_CASE(memory_of_the_process_itself_knows_no_limit_of_dev_shm) {
    const auto ranks = mpi::Communicator::world();
    const SmallSharedMemory small(ranks, "1m");
    if (!is_told(ranks, small.is_there())) {
        return;
    }
    const auto attempt = comm::NodeMemory::share(ranks, mib(8));
    BOOST_TEST(attempt.obstacle == "");
    BOOST_TEST((attempt.memory != nullptr));
}

BOOST_AUTO_TEST_CASE(large_parts_lie_where_huge_pages_can_back_them_and_all_pages_are_there) {
    const auto ranks = mpi::Communicator::world();
    const auto attempt = comm::NodeMemory::share(ranks, mib(5));
    BOOST_TEST_REQUIRE((attempt.memory != nullptr));
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> resident((attempt.memory->size().value + page - 1) / page);
    std::size_t missing = 0;
    for (int rank = 0; rank < ranks.size(); ++rank) {
        std::byte* part = attempt.memory->part(rank);
        BOOST_TEST(reinterpret_cast<std::uintptr_t>(part) % (2 * 1024 * 1024) == 0U);
        BOOST_TEST(::mincore(part, attempt.memory->size().value, resident.data()) == 0);
        for (const unsigned char here : resident) {
            missing += (here & 1U) == 0 ? 1 : 0;
        }
    }
    BOOST_TEST(missing == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
