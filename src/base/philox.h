#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace hpml {

/// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy
/// as 1, 2, 3" (SC'11). The same (key, counter) gives the same four words on every machine; there
/// is no state to save.
using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

[[nodiscard]] constexpr PhiloxCounter philox(PhiloxKey key, PhiloxCounter counter) {
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
        const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
        counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0],
                   static_cast<std::uint32_t>(b),
                   static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1],
                   static_cast<std::uint32_t>(a)};
        key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
    }
    return counter;
}

/// What a stream of random numbers is for. Part of the key, so that two uses never share numbers.
enum class RandomUse : std::uint32_t {
    Init = 1,
    Order = 2,
    Masking = 3,
    Dropout = 4,
    Split = 5,
    Shuffle = 6,
    Shingles = 7,
    Packing = 8,
    Test = 99
};

/// The key of one use under one run seed: the seed's two words mixed with the use by one Philox
/// call.
[[nodiscard]] constexpr PhiloxKey philox_key(std::uint64_t seed, RandomUse use) {
    const PhiloxCounter mixed =
        philox({static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
               {static_cast<std::uint32_t>(use), 0x68706D6Cu, 0, 0});
    return {mixed[0], mixed[1]};
}

/// A reader of consecutive words of the stream that starts at a counter: a cursor, not a generator
/// with state. Several counters are taken at a time, because a single one is a long chain of
/// multiplications, each waiting for the one before.
class PhiloxStream {
  public:
    /// The words of counters (0, b, c, d), (1, b, c, d), ...
    PhiloxStream(PhiloxKey key, std::uint32_t b, std::uint32_t c, std::uint32_t d)
        : key_(key), counter_{0, b, c, d} {}

    [[nodiscard]] std::uint32_t next() {
        if (used_ == words_.size()) {
            refill();
        }
        return words_[used_++];
    }
    /// Uniform in [0, 1), 24 bits.
    [[nodiscard]] float uniform() { return static_cast<float>(next() >> 8) * 0x1p-24f; }
    /// Uniform in [0, bound), by the multiply-shift of Lemire (bias below bound / 2^32). bound > 0.
    [[nodiscard]] std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>((std::uint64_t{next()} * bound) >> 32);
    }

  private:
    static constexpr std::size_t kCounters = 4;

    void refill() {
        for (std::size_t i = 0; i < kCounters; ++i) {
            const PhiloxCounter words = philox(key_, counter_);
            std::copy(words.begin(), words.end(), words_.begin() + 4 * i);
            ++counter_[0];
        }
        used_ = 0;
    }

    PhiloxKey key_;
    PhiloxCounter counter_;
    std::array<std::uint32_t, 4 * kCounters> words_{};
    std::size_t used_ = words_.size();
};

}  // namespace hpml
