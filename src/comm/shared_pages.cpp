#include "comm/shared_pages.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>

namespace hpml::comm {

namespace {

constexpr std::uint64_t kHugePage = 2 * 1024 * 1024;

/// An address at which `size` bytes are free, on a boundary of huge pages if there is one inside.
void* find_place(Bytes size) {
    const std::uint64_t room = size.value + (size.value >= kHugePage ? kHugePage : 0);
    void* free_room = ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (free_room == MAP_FAILED || room == size.value) {
        return free_room;
    }
    auto* begin = static_cast<std::byte*>(free_room);
    const std::uint64_t past = reinterpret_cast<std::uint64_t>(begin) % kHugePage;
    const std::uint64_t skipped = past == 0 ? 0 : kHugePage - past;
    if (skipped > 0) {
        ::munmap(begin, skipped);
    }
    if (skipped < kHugePage) {
        ::munmap(begin + skipped + size.value, kHugePage - skipped);
    }
    return begin + skipped;
}

}  // namespace

std::byte* map_shared(int file, Bytes size) {
    void* place = find_place(size);
    if (place == MAP_FAILED) {
        return nullptr;
    }
    void* memory =
        ::mmap(place, size.value, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
    if (memory == MAP_FAILED) {
        ::munmap(place, size.value);
        return nullptr;
    }
    // Advice: a kernel that does not know it does without.
    (void)::madvise(memory, size.value, MADV_HUGEPAGE);
    if (::madvise(memory, size.value, MADV_POPULATE_WRITE) != 0 && errno == EINVAL) {
        // Before Linux 5.14 only a new mapping is populated, without the advice.
        (void)::mmap(place, size.value, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_FIXED | MAP_POPULATE, file, 0);
    }
    return static_cast<std::byte*>(memory);
}

}  // namespace hpml::comm
