#include "model/fused/buffers.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>

namespace hpml::model {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kLargePage = std::size_t{2} << 20;
/// Bytes from which a buffer has pages of its own, which the system gets back when it is dropped.
constexpr std::size_t kOwnPages = std::size_t{1} << 20;

/// Some tens of training steps of a small model, a few of a large one.
constexpr std::uint64_t kOldTakes = 20000;

}  // namespace

Buffer::~Buffer() {
    if (pool_) {
        pool_->give_back({data_, capacity_, touched_, 0, 0});
    }
}

namespace {

std::size_t round_up(std::size_t value, std::size_t unit) {
    return (value + unit - 1) / unit * unit;
}

/// @throw std::bad_alloc
float* allocate(std::size_t bytes) {
    void* data = std::aligned_alloc(64, round_up(bytes, 64));
    if (data == nullptr) {
        throw std::bad_alloc();
    }
    return static_cast<float*>(data);
}

/// Pages from a border of large pages on where there is room for two of them.
/// @throw std::bad_alloc
float* map_pages(std::size_t bytes) {
    const std::size_t length = round_up(bytes, kPage);
    const std::size_t alignment = length >= 2 * kLargePage ? kLargePage : kPage;
    const std::size_t reserved = length + alignment - kPage;
    void* const reserve =
        ::mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (reserve == MAP_FAILED) {
        throw std::bad_alloc();
    }
    auto* const begin = static_cast<std::byte*>(reserve);
    const auto address = reinterpret_cast<std::uintptr_t>(begin);
    auto* const data = begin + (round_up(address, alignment) - address);
    if (data != begin) {
        ::munmap(begin, static_cast<std::size_t>(data - begin));
    }
    if (data + length != begin + reserved) {
        ::munmap(data + length, static_cast<std::size_t>(begin + reserved - (data + length)));
    }
    if (alignment == kLargePage) {
        // A wish; without it the pages are small.
        (void)::madvise(data, length, MADV_HUGEPAGE);
    }
    return reinterpret_cast<float*>(data);
}

}  // namespace

BufferPool::~BufferPool() { drop_free(std::numeric_limits<std::uint64_t>::max()); }

std::size_t BufferPool::size_class(std::size_t count) {
    const std::size_t least = std::max<std::size_t>(count, 256);
    const std::size_t step = std::bit_floor(least) / 8;
    return (least + step - 1) / step * step;
}

Buffer BufferPool::take(std::int64_t count) {
    const auto wanted = static_cast<std::size_t>(count);
    const std::size_t capacity = size_class(wanted);
    const std::lock_guard lock(mutex_);
    ++takes_;
    auto best = free_.end();
    for (auto block = free_.begin(); block != free_.end(); ++block) {
        // Within a micro-batch, wider rows keep their buffers; after it, all are free for the next,
        // which may be shorter.
        const std::size_t most = block->pass < pass_ ? 2 * capacity : capacity + capacity / 4;
        const bool fits = block->capacity >= capacity && block->capacity <= most;
        if (fits && (best == free_.end() || block->capacity < best->capacity)) {
            best = block;
        }
    }
    if (best != free_.end()) {
        const Block block = *best;
        free_.erase(best);
        const std::size_t touched = std::max(block.touched, wanted);
        touched_ += touched - block.touched;
        ++lent_;
        return {shared_from_this(), block.data, block.capacity, touched};
    }
    // What batches of other lengths left behind must not pile up.
    if (takes_ > kOldTakes) {
        drop_free(takes_ - kOldTakes);
    }
    const std::size_t bytes = capacity * sizeof(float);
    if (bytes >= kOwnPages) {
        drop_outgrown(capacity);
    }
    float* data = bytes >= kOwnPages ? map_pages(bytes) : allocate(bytes);
    touched_ += wanted;
    ++lent_;
    return {shared_from_this(), data, capacity, wanted};
}

Bytes BufferPool::size() const {
    const std::lock_guard lock(mutex_);
    return Bytes(touched_ * sizeof(float));
}

void BufferPool::give_back(const Block& block) noexcept {
    const std::lock_guard lock(mutex_);
    // The list never grows beyond the number of buffers once lent at a time.
    free_.push_back(block);
    free_.back().given_back = takes_;
    free_.back().pass = pass_;
    pass_ += --lent_ == 0 ? 1 : 0;
}

void BufferPool::drop_free(std::uint64_t before) noexcept {
    std::erase_if(free_, [&](const Block& block) {
        if (block.given_back >= before) {
            return false;
        }
        drop(block);
        return true;
    });
}

void BufferPool::drop_outgrown(std::size_t capacity) noexcept {
    auto largest = free_.end();
    for (auto block = free_.begin(); block != free_.end(); ++block) {
        const bool is_outgrown =
            block->pass < pass_ && block->capacity < capacity && 2 * block->capacity >= capacity;
        if (is_outgrown && (largest == free_.end() || block->capacity > largest->capacity)) {
            largest = block;
        }
    }
    if (largest != free_.end()) {
        drop(*largest);
        free_.erase(largest);
    }
}

void BufferPool::drop(const Block& block) noexcept {
    const std::size_t bytes = block.capacity * sizeof(float);
    if (bytes >= kOwnPages) {
        ::munmap(block.data, round_up(bytes, kPage));
    } else {
        std::free(block.data);
    }
    touched_ -= block.touched;
}

}  // namespace hpml::model
