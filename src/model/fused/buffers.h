#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/units.h"

namespace hpml::model {

class BufferPool;

/// Floats of a pool, 64-byte aligned, with no particular values; given back when this ends.
class Buffer {
  public:
    Buffer() = default;
    Buffer(std::shared_ptr<BufferPool> pool, float* data, std::size_t capacity, std::size_t touched)
        : pool_(std::move(pool)), data_(data), capacity_(capacity), touched_(touched) {}
    ~Buffer();
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        Buffer taken(std::move(other));
        swap(taken);
        return *this;
    }

    [[nodiscard]] float* data() const { return data_; }  ///< null: holds nothing

  private:
    void swap(Buffer& other) noexcept {
        std::swap(pool_, other.pool_);
        std::swap(data_, other.data_);
        std::swap(capacity_, other.capacity_);
        std::swap(touched_, other.touched_);
    }

    std::shared_ptr<BufferPool> pool_;
    float* data_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t touched_ = 0;
};

/// Memory of activations, kept from one micro-batch to the next: new pages from the system cost
/// more than what is computed on them. Several threads may take and give back.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
  public:
    BufferPool() = default;
    ~BufferPool();
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;
    BufferPool(BufferPool&&) = delete;
    BufferPool& operator=(BufferPool&&) = delete;

    /// @throw std::bad_alloc
    [[nodiscard]] Buffer take(std::int64_t count);
    /// What a buffer of `count` floats really has: rows of texts are of many lengths, and sizes are
    /// rounded up to one of eight in every doubling, so that a buffer finds use again.
    [[nodiscard]] static std::size_t size_class(std::size_t count);
    /// Of all buffers, lent or not, as far as anybody has asked for them: the system gives no
    /// pages for the rest.
    [[nodiscard]] Bytes size() const;

  private:
    friend class Buffer;
    struct Block {
        float* data;
        std::size_t capacity;
        std::size_t touched;       ///< floats from the start that somebody has asked for
        std::uint64_t given_back;  ///< when, counted in takes
        std::uint64_t pass;        ///< and in passes
    };
    void give_back(const Block& block) noexcept;
    void drop_free(std::uint64_t before) noexcept;
    /// Make room for a buffer that no free one is large enough for: what served its purpose in
    /// shorter batches is the one next in size, and longer ones serve for all.
    void drop_outgrown(std::size_t capacity) noexcept;
    void drop(const Block& block) noexcept;

    mutable std::mutex mutex_;
    std::vector<Block> free_;
    std::size_t touched_ = 0;  ///< floats, of all
    std::uint64_t takes_ = 0;
    std::uint64_t pass_ = 0;  ///< one ends when nothing is lent: a micro-batch
    std::size_t lent_ = 0;    ///< buffers
};

}  // namespace hpml::model
