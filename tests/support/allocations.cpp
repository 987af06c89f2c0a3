#include "support/allocations.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <new>

// What glibc calls its own functions, for those who replace malloc.
extern "C" {
void* __libc_malloc(std::size_t size);                           // NOLINT
void* __libc_calloc(std::size_t count, std::size_t size);        // NOLINT
void* __libc_realloc(void* memory, std::size_t size);            // NOLINT
void* __libc_memalign(std::size_t alignment, std::size_t size);  // NOLINT
void __libc_free(void* memory);                                  // NOLINT
}

namespace {

// Constant-initialised: malloc is called before any constructor has run.
constinit std::atomic<std::uint64_t> by_new{0};
constinit std::atomic<std::uint64_t> by_malloc{0};

void count_malloc() noexcept { by_malloc.fetch_add(1, std::memory_order_relaxed); }

void* allocate(std::size_t size, std::size_t alignment) {
    by_new.fetch_add(1, std::memory_order_relaxed);
    count_malloc();
    void* memory = __libc_memalign(alignment, size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
    count_malloc();
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    count_malloc();
    return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
    count_malloc();
    return __libc_realloc(memory, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
    count_malloc();
    return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    count_malloc();
    return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    count_malloc();
    *memory = __libc_memalign(alignment, size);
    return *memory == nullptr ? ENOMEM : 0;
}
void free(void* memory) { __libc_free(memory); }
}

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { __libc_free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { __libc_free(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { __libc_free(memory); }
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
    __libc_free(memory);
}

namespace hpml::test {

Allocations allocations() noexcept {
    return {by_new.load(std::memory_order_relaxed), by_malloc.load(std::memory_order_relaxed)};
}

}  // namespace hpml::test
