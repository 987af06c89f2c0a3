#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/philox.h"
#include "mpi/communicator.h"

namespace hpml::test {

/// A buffer between two canaries that starts `misalignment` floats off the allocator's alignment.
class GuardedBuffer {
  public:
    explicit GuardedBuffer(std::size_t count, std::size_t misalignment = 0)
        : storage_(count + 2 * kGuard + misalignment, kCanary),
          begin_(kGuard + misalignment),
          count_(count) {}

    [[nodiscard]] std::span<float> values() { return std::span(storage_).subspan(begin_, count_); }
    [[nodiscard]] bool canaries_stand() const {
        for (std::size_t i = 0; i < storage_.size(); ++i) {
            const bool inside = i >= begin_ && i < begin_ + count_;
            if (!inside && std::bit_cast<std::uint32_t>(storage_[i]) !=
                               std::bit_cast<std::uint32_t>(kCanary)) {
                return false;
            }
        }
        return true;
    }

  private:
    static constexpr std::size_t kGuard = 64;
    static constexpr float kCanary = -1.25e30F;

    std::vector<float> storage_;
    std::size_t begin_;
    std::size_t count_;
};

/// Whole numbers so small that their sum over ranks is exact in any order.
[[nodiscard]] inline float whole_value(int rank, std::size_t index) {
    return static_cast<float>(
        static_cast<int>((index * 31 + static_cast<std::size_t>(rank) * 17) % 1009) - 500);
}

/// Values of both signs and many magnitudes, a function of (rank, index).
[[nodiscard]] inline std::vector<float> rough_values(int rank, std::size_t count) {
    std::vector<float> values(count);
    PhiloxStream stream(philox_key(7, RandomUse::Test), static_cast<std::uint32_t>(rank), 0, 0);
    for (float& value : values) {
        const float magnitude = std::ldexp(1.0F, static_cast<int>(stream.below(24)) - 12);
        value = (stream.uniform() - 0.5F) * magnitude;
    }
    return values;
}

/// The sizes around which an index goes wrong.
[[nodiscard]] inline std::vector<std::size_t> awkward_sizes(int ranks) {
    const auto n = static_cast<std::size_t>(ranks);
#ifdef HPML_SANITIZED
    constexpr std::size_t kLongest = 200003;  // some chunks, in a tenth of the time
#else
    constexpr std::size_t kLongest = 1000003;
#endif
    return {0, 1, 2, n - 1, n, n + 1, 17, 4095, 4096, 4097, 65537, kLongest};
}

[[nodiscard]] inline bool same_bits(std::span<const float> a, std::span<const float> b) {
    return a.size() == b.size() &&
           (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

/// Whether all ranks hold the bits that rank 0 holds. Collective.
[[nodiscard]] inline bool same_on_all_ranks(const mpi::Communicator& ranks,
                                            std::span<const float> values) {
    std::vector<float> root(values.begin(), values.end());
    ranks.broadcast(std::as_writable_bytes(std::span(root)));
    std::int64_t different = same_bits(root, values) ? 0 : 1;
    ranks.max(std::span(&different, 1));
    return different == 0;
}

}  // namespace hpml::test
