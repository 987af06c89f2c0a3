#include "model/fused/buffers.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <new>

namespace hpml::model {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;

/// Some tens of training steps of a small model, a few of a large one.
constexpr std::uint64_t kOldTakes = 20000;

}  // namespace

Buffer::~Buffer() {
    if (pool_) {
        pool_->give_back({data_, capacity_, touched_, 0});
    }
}

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
        const bool fits = block->capacity >= capacity && block->capacity <= capacity + capacity / 4;
        if (fits && (best == free_.end() || block->capacity < best->capacity)) {
            best = block;
        }
    }
    if (best != free_.end()) {
        const Block block = *best;
        free_.erase(best);
        const std::size_t touched = std::max(block.touched, wanted);
        touched_ += touched - block.touched;
        return {shared_from_this(), block.data, block.capacity, touched};
    }
    // What batches of other lengths left behind must not pile up.
    if (takes_ > kOldTakes) {
        drop_free(takes_ - kOldTakes);
    }
    float* data = allocate(capacity);
    touched_ += wanted;
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
}

float* BufferPool::allocate(std::size_t capacity) {
    const std::size_t bytes = capacity * sizeof(float);
    const std::size_t alignment = bytes >= 2 * kLargePage ? kLargePage : 64;
    void* data = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (data == nullptr) {
        throw std::bad_alloc();
    }
    if (alignment == kLargePage) {
        // A wish; without it the pages are small.
        (void)madvise(data, bytes, MADV_HUGEPAGE);
    }
    return static_cast<float*>(data);
}

void BufferPool::drop_free(std::uint64_t before) noexcept {
    std::erase_if(free_, [&](const Block& block) {
        if (block.given_back >= before) {
            return false;
        }
        std::free(block.data);
        touched_ -= block.touched;
        return true;
    });
}

}  // namespace hpml::model
